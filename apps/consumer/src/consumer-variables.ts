import type { EnvironmentVariable } from "@stackyard/core/environment";

const FLAG = { pattern: /^(true|false)$/, must: "be true or false", isRequired: false } as const;
const BUCKET = { pattern: /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, must: "be the name of a bucket" } as const;
const REGION = { pattern: /^[a-z]{2,4}(-[a-z]{2,12}){1,3}-\d{1,2}$/, must: "be a region" } as const;
const BUS = /^arn:aws[a-z-]*:events:[a-z0-9-]+:\d{12}:event-bus\/[\w./-]{1,256}$/;
const ROLE = /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/;

const TRANSFER = {
  meaning:
    "`identity`: files are read with the function's role; `presigned`: by URL; `auto`: by URL where the role may not. Default: `auto`",
  pattern: /^(identity|presigned|auto)$/,
  must: "be identity, presigned or auto",
  isRequired: false,
} as const;

const RETIRE = {
  meaning: "`true`: files are deleted when the distributor says so. Default: `false`",
  ...FLAG,
} as const;

/** The variables that every function of the consumer reads. */
export const COMMON_VARIABLES = {
  CONSUMER_ACCOUNT_ID: {
    meaning: "the consumer's account",
    pattern: /^\d{12}$/,
    must: "be an account of 12 digits",
    isRequired: true,
  },
  CONSUMER_REGION: { meaning: "the consumer's region", ...REGION, isRequired: true },
  LOG_LEVEL: {
    meaning: "`debug`, `info`, `warn` or `error`. Default: `info`",
    pattern: /^(debug|info|warn|error)$/,
    must: "be debug, info, warn or error",
    isRequired: false,
  },
} as const satisfies Readonly<Record<string, EnvironmentVariable>>;

/** The variables of the function behind the queue. */
export const COPY_VARIABLES = {
  ARTIFACTS_BUCKET: { meaning: "the bucket that files are copied into", ...BUCKET, isRequired: true },
  DISTRIBUTOR_BUCKET: { meaning: "the bucket that they come from", ...BUCKET, isRequired: true },
  DISTRIBUTION_TOPIC: {
    meaning: "ARN of the topic that announces them",
    pattern: /^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}(\.fifo)?$/,
    must: "be the ARN of a topic",
    isRequired: true,
  },
  DISTRIBUTION_REGION: { meaning: "the distributor's region. Default: the topic's", ...REGION, isRequired: false },
  ...COMMON_VARIABLES,
  RECEIPT_BUS: {
    meaning: "ARN of the distributor's bus of receipts. Default: no receipts, and no new URLs",
    pattern: BUS,
    must: "be the ARN of an event bus",
    isRequired: false,
  },
  QUEUE_URL: {
    meaning:
      "the queue, so that a long copy goes on soon and a failed one later. Default: both wait for the queue's visibility",
    pattern: /^https?:\/\/\S{1,1000}$/,
    must: "be the URL of a queue",
    isRequired: false,
  },
  PARKING_QUEUE_URL: {
    meaning: "the queue of messages that are given up. Default: they are logged",
    pattern: /^https?:\/\/\S{1,1000}$/,
    must: "be the URL of a queue",
    isRequired: false,
  },
  KMS_KEY_ARN: {
    meaning: "the key that files are encrypted with. Default: as the bucket says",
    pattern: /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(key|alias)\/[\w/-]{1,256}$/,
    must: "be the ARN of a key",
    isRequired: false,
  },
  MAX_BYTES: {
    meaning: "larger files are refused. Default: 50 GiB",
    pattern: /^[1-9]\d{0,14}$/,
    must: "be a number of bytes",
    isRequired: false,
  },
  TRANSFER,
  ACCEPT_V1: { meaning: "`false`: messages without a digest are refused. Default: `true`", ...FLAG },
  REQUIRE_SIGNATURE: { meaning: "`true`: messages without a signature are refused. Default: `false`", ...FLAG },
  EXTRA_HOSTS: {
    meaning: "further hosts that URLs may name, separated by commas. Default: those of S3 only",
    pattern: /^[a-z0-9.-]+(,[a-z0-9.-]+)*$/,
    must: "be names of hosts, separated by commas",
    isRequired: false,
  },
  PRIVATE_ENDPOINTS: {
    meaning: "`true`: hosts may have private addresses, as interface endpoints have. Default: `false`",
    ...FLAG,
  },
  RETIRE,
} as const satisfies Readonly<Record<string, EnvironmentVariable>>;

/** The variables of the function behind `Custom::InitialSetTrigger`. */
export const TRIGGER_VARIABLES = {
  INITIAL_DISTRIBUTION_MACHINE: {
    meaning: "ARN of the state machine that sends the initial set",
    pattern: /^arn:aws[a-z-]*:states:[a-z0-9-]+:\d{12}:stateMachine:[\w-]{1,80}$/,
    must: "be the ARN of a state machine",
    isRequired: true,
  },
  INITIAL_DISTRIBUTION_ROLE: {
    meaning: "ARN of the role that may start it",
    pattern: ROLE,
    must: "be the ARN of a role",
    isRequired: true,
  },
  INITIAL_DISTRIBUTION_REGION: { meaning: "its region. Default: the machine's", ...REGION, isRequired: false },
  ...COMMON_VARIABLES,
  EXTERNAL_ID: {
    meaning: "the external id that the role asks for. Default: none",
    pattern: /^[A-Za-z0-9+=,.@:/_-]{2,1224}$/,
    must: "be an external id",
    isRequired: false,
  },
  RECEIPT_BUS: {
    meaning: "ARN of the distributor's bus, where the consumer is registered. Default: nowhere",
    pattern: BUS,
    must: "be the ARN of an event bus",
    isRequired: false,
  },
  ARTIFACTS_BUCKET: {
    meaning: "the consumer's bucket, for the distributor to know: needed with `RECEIPT_BUS` alone",
    ...BUCKET,
    isRequired: false,
  },
  TRANSFER,
  RETIRE,
} as const satisfies Readonly<Record<string, EnvironmentVariable>>;
