import {
  ARN,
  BUCKET,
  BUCKET_OR_NOTHING,
  BUCKET_PREFIX,
  KEY_ARN,
  optional,
  type ParameterDefinition,
  SWITCH,
} from "./parameter-forms.ts";

const REGION = "[a-z]{2,5}(-[a-z]+)+-[0-9]{1,2}";
const BUCKET_NAME = BUCKET.pattern.slice(1, -1);

/** The parameters of consumers of artifacts; the first have the predecessor's names. */
export const CONSUMER_PARAMETERS = {
  DistributionTopic: {
    group: "Distributor",
    description: "Topic of the distributor (output DistributionTopic).",
    ...optional(`${ARN}:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}`, "The ARN of a topic."),
  },
  DistributionRegion: {
    group: "Distributor",
    description: "Region of the distributor. Empty: the one in the topic's ARN.",
    ...optional(REGION, "A region, or nothing."),
  },
  DistributionBucket: {
    group: "Distributor",
    description: "Bucket that artifacts come from (output DistributionBucket).",
    ...BUCKET_OR_NOTHING,
  },
  InitialDistributionRole: {
    group: "Distributor",
    description: "Role that starts initial sets (output InitialDistributionRole).",
    ...optional(`${ARN}:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]{1,576}`, "The ARN of a role."),
  },
  InitialDistributionSetMachine: {
    group: "Distributor",
    description: "State machine of initial sets (output InitialDistributionSetMachine).",
    ...optional(`${ARN}:states:[a-z0-9-]+:[0-9]{12}:stateMachine:[A-Za-z0-9_-]{1,80}`, "The ARN of a state machine."),
  },
  ReceiptBus: {
    group: "Distributor",
    description: "Event bus of receipts (output ReceiptBus). Empty: none are sent, as to distributors of old.",
    ...optional(`${ARN}:events:[a-z0-9-]+:[0-9]{12}:event-bus/[A-Za-z0-9._/-]{1,256}`, "The ARN of a bus, or nothing."),
  },
  DistributionKeyArn: {
    group: "Distributor",
    description: "Customer's KMS key of the distributor's bucket (output DistributionKeyArn). Empty: S3's own.",
    ...KEY_ARN,
  },
  ExternalId: {
    group: "Distributor",
    description: "External id that the role of initial sets asks for. Empty: none, as with consumers of old.",
    ...optional("[A-Za-z0-9+=,.@:/_-]{2,1224}", "An external id, or nothing."),
  },
  OrganizationId: {
    group: "Distributor",
    description: "Organisation that consumers and distributor belong to. Empty: none is asked for.",
    ...optional("o-[a-z0-9]{10,32}", "The id of an organisation, or nothing."),
  },
  TargetBucket: {
    group: "Artifacts",
    description:
      "Bucket that is there, for the copies. !NO_VALUE or empty: one is made, or taken over where it is there.",
    default: "!NO_VALUE",
    pattern: `^(!NO_VALUE|${BUCKET_NAME})?$`,
    constraint: "The name of a bucket, !NO_VALUE or nothing.",
  },
  BucketPrefix: {
    group: "Artifacts",
    description: "Beginning of that bucket's name; account and region follow. The predecessor's: tts-cloud-artifacts.",
    default: "stackyard-artifacts",
    ...BUCKET_PREFIX,
  },
  EmptyOnDelete: {
    group: "Artifacts",
    description:
      "true: that bucket, also one that was taken over, is emptied and deleted with the stack, also when its creation is rolled back. false: it is kept with all that is in it.",
    ...SWITCH,
  },
  SsmParameterName: {
    group: "Artifacts",
    description: "Parameter of Systems Manager that holds the bucket's name. Empty: none.",
    default: "/stackyard/consumer/bucket-name",
    pattern: "^(/[A-Za-z0-9_./-]{1,1000})?$",
    constraint: "A name that begins with /, or nothing.",
  },
  MaxBytes: {
    group: "Artifacts",
    description: "Larger artifacts are refused.",
    type: "Number",
    default: 53_687_091_200,
    min: 1,
  },
  Retire: {
    group: "Artifacts",
    description: "true: what the distributor retires is deleted here.",
    ...SWITCH,
  },
  AcceptV1: {
    group: "Artifacts",
    description: "true: messages of distributors of old are taken, which know no digests.",
    default: "true",
    values: ["true", "false"],
  },
  ExtraHosts: {
    group: "Artifacts",
    description: "Exact names of hosts besides S3's that artifacts may come from, by commas. Empty: none.",
    ...optional("[a-z0-9.,-]{1,1000}", "Names of hosts by commas, or nothing."),
  },
  PrivateEndpoints: {
    group: "Artifacts",
    description: "true: S3's names may lead to private addresses, as in subnets with an interface endpoint.",
    ...SWITCH,
  },
  TriggerVersion: {
    group: "Artifacts",
    description: "Another value sends the initial set again.",
    default: "1.0",
    pattern: "^[^\\r\\n]{1,256}$",
  },
  WaitForInitialSet: {
    group: "Artifacts",
    description:
      "true: the stack waits until the initial set was announced, at most 15 minutes. The distributor must let it.",
    ...SWITCH,
  },
  CodeBucketPrefix: {
    group: "Code",
    description: "Beginning of the names of buckets that hold the zip, one a region: PREFIX-eu-west-1 and so on.",
    pattern: "^[a-z0-9][a-z0-9.-]{1,45}$",
    constraint: "The beginning of the name of a bucket.",
  },
  ConsumerZip: {
    group: "Code",
    description:
      "Key of the consumer's zip there. The zip's SHA-256 stands in it, so that another zip has another key.",
    pattern: "^[^\\s]{0,900}[0-9a-f]{64}[^\\s]{0,60}$",
    constraint: "The key of an object with a SHA-256 of 64 small hexadecimal digits in it.",
  },
} as const satisfies Readonly<Record<string, ParameterDefinition>>;
