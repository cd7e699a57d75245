/** Forms of variables and configuration keys that name things in AWS: keywords for their schemas. */
export const VARIABLE_FORMS = {
  account: { pattern: "^\\d{12}$", expected: "an account of 12 digits" },
  bucket: { pattern: "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", expected: "the name of a bucket" },
  eventBus: {
    pattern: "^arn:aws[a-z-]*:events:[a-z0-9-]+:\\d{12}:event-bus/[\\w./-]{1,256}$",
    expected: "the ARN of an event bus",
  },
  externalId: {
    pattern: "^[A-Za-z0-9+=,.@:/_-]{2,1224}$",
    expected: "an external id: 2 to 1,224 letters, digits and +=,.@:/_-",
  },
  function: {
    pattern: "^(arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:)?[A-Za-z0-9_-]{1,140}(:[A-Za-z0-9$_-]{1,128})?$",
    expected: "the name or ARN of a function",
  },
  key: {
    pattern: "^arn:aws[a-z-]*:kms:[a-z0-9-]+:\\d{12}:(key|alias)/[\\w/-]{1,256}$",
    expected: "the ARN of a key",
  },
  queue: { pattern: "^https?://[^\\s/]+/\\S+$", maxLength: 2_048, expected: "the URL of a queue" },
  standardQueue: {
    pattern: "^https?://[^\\s/]+/[^\\s]+(?<!\\.fifo)$",
    maxLength: 2_048,
    expected: "the URL of a standard queue, because FIFO queues do not delay single messages",
  },
  region: { pattern: "^[a-z]{2,4}(-[a-z0-9]+)+$", expected: "a region such as eu-west-1" },
  role: { pattern: "^arn:aws[a-z-]*:iam::\\d{12}:role/[\\w+=,.@/-]{1,576}$", expected: "the ARN of a role" },
  stateMachine: {
    pattern: "^arn:aws[a-z-]*:states:[a-z0-9-]+:\\d{12}:stateMachine:[\\w-]{1,80}$",
    expected: "the ARN of a state machine",
  },
  table: {
    pattern: "^[a-zA-Z0-9_.-]{3,255}$",
    expected: 'the name of a table: 3 to 255 letters, digits, "_", "-" and "."',
  },
  topic: {
    pattern: "^arn:aws[a-z-]*:sns:[a-z0-9-]+:\\d{12}:[\\w-]{1,256}(\\.fifo)?$",
    expected: "the ARN of a topic",
  },
  uploadEncryption: {
    pattern: "^(AES256|aws:kms|arn:aws[a-z-]*:kms:[a-z0-9-]+:\\d{12}:(key|alias)/[\\w/-]{1,256})$",
    expected: "AES256, aws:kms or the ARN of a key",
  },
  yard: { pattern: "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", expected: "1 to 64 letters, digits and _.-" },
} as const;

/** Default prefixes of the keys of objects in a yard's buckets. */
export const KEY_PREFIXES = {
  messages: "stackyard/messages/",
  logs: "stackyard/logs/",
  calendars: "calendars/",
} as const;
