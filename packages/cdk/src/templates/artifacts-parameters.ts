import {
  ARN,
  accountsUpTo,
  BUCKET,
  BUCKET_OR_NOTHING,
  BUCKET_PREFIX,
  COUNT,
  KEY,
  KEY_ARN,
  optional,
  type ParameterDefinition,
  SWITCH,
  TABLE,
} from "./parameter-forms.ts";

const SHARED = {
  KmsKeyArn: {
    group: "Artifacts",
    description:
      "Customer's KMS key of the bucket's objects, also where a bucket that is there has one. Empty: S3's own.",
    ...KEY_ARN,
  },
  Transfer: {
    group: "Artifacts",
    description: "identity: consumers read the distributor's bucket. presigned: by URLs. auto: the first that works.",
    default: "auto",
    values: ["auto", "identity", "presigned"],
  },
} as const satisfies Readonly<Record<string, ParameterDefinition>>;

const NAME = "[A-Za-z0-9+=,.@_-]{1,64}";
/** The maximum in a trust policy of 2,048 characters, each as the ARN into which IAM converts it. Source: "IAM and AWS STS quotas". */
const TRUSTED_ACCOUNTS = 40;

/** The parameters of a distributor. */
export const DISTRIBUTOR_PARAMETERS = {
  DistributorCodeKey: { group: "Code", description: "Key of the distributor's zip.", ...KEY },
  DistributorCodeVersion: {
    group: "Code",
    description: "Version of that object. Empty: the newest when the stack is deployed.",
    default: "",
    pattern: "^[^\\s]{0,1024}$",
  },
  TrustedAccounts: {
    group: "Distributor",
    description:
      "Accounts whose consumers are served, by commas, this one too if it has any; for more than 40 give OrganizationId. Empty: those of the organisation alone.",
    ...accountsUpTo(TRUSTED_ACCOUNTS),
  },
  InitialSetRoleName: {
    group: "Distributor",
    description:
      "Name of the role by which consumers start their initial set. A second distributor of the account, in another region, needs another one.",
    default: "TriggerInitSetRole",
    pattern: `^${NAME}$`,
  },
  ConsumersMayWait: {
    group: "Distributor",
    description: "true: consumers may see when their initial set has ended (WaitForInitialSet).",
    ...SWITCH,
  },
  SourceBucketPrefix: {
    group: "Artifacts",
    description: "Beginning of the name of the bucket of artifacts; account and region follow.",
    default: "stackyard-artifact-source",
    ...BUCKET_PREFIX,
  },
  ExistingSourceBucket: {
    group: "Artifacts",
    description:
      "Bucket of artifacts that is there, such as the predecessor's, with notifications to EventBridge. Empty: one is made, and kept when this stack is deleted.",
    ...BUCKET_OR_NOTHING,
  },
  ExistingRecordsTable: {
    group: "Artifacts",
    description: "Table of records that is there. Empty: one is made, and kept.",
    ...TABLE,
  },
  ArtifactPrefix: {
    group: "Artifacts",
    description: "Beginning of the keys of artifacts with a manifest. Empty: the whole bucket.",
    default: "",
    pattern: "^([^\\s*?]{0,255}/)?$",
    constraint: "Nothing, or a prefix without spaces, * and ? that ends with /.",
  },
  UploadPrefix: {
    group: "Artifacts",
    description:
      "Key prefix of files that are uploaded without a manifest; / for the whole bucket. Empty: no such uploads.",
    default: "",
    pattern: "^([^\\s*?]{0,255}/)?$",
    constraint: "Nothing, or a prefix without spaces, * and ? that ends with /.",
  },
  TopicKeyArn: {
    group: "Distributor",
    description: "Customer's KMS key of the topic, which lets sns.amazonaws.com use it. Empty: none.",
    ...KEY_ARN,
  },
  UrlSeconds: {
    group: "Artifacts",
    description: "How long URLs are valid, at most; the credentials that sign them last for an hour.",
    type: "Number",
    default: 3_600,
    min: 900,
    max: 604_800,
  },
  OverdueSeconds: {
    group: "Artifacts",
    description: "After that time without a receipt an artifact is announced again.",
    type: "Number",
    default: 900,
    min: 300,
    max: 86_400,
  },
  KeepDays: {
    group: "Artifacts",
    description: "Days for which versions that are neither current nor missing anywhere are kept. Empty: unlimited.",
    ...COUNT,
  },
} as const satisfies Readonly<Record<string, ParameterDefinition>>;

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
    description: "External id that the role of initial sets requires. Empty: none, as with earlier consumers.",
    ...optional("[A-Za-z0-9+=,.@:/_-]{2,1224}", "An external id, or nothing."),
  },
  OrganizationId: {
    group: "Distributor",
    description: "Organization that consumers and distributor belong to. Empty: not required.",
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
      "Key of the consumer's zip in that bucket. It contains the zip's SHA-256, so each zip has its own key.",
    pattern: "^[^\\s]{0,900}[0-9a-f]{64}[^\\s]{0,60}$",
    constraint: "The key of an object with a SHA-256 of 64 small hexadecimal digits in it.",
  },
} as const satisfies Readonly<Record<string, ParameterDefinition>>;

const UNIT = "(ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}|r-[a-z0-9]{4,32})";
const PERCENT = { type: "Number", min: 0, max: 100 } as const;

/** Settings for the roll-out of consumers to accounts and regions. */
export const ROLLOUT_PARAMETERS = {
  ConsumerTemplateUrl: {
    group: "Rollout",
    description: "Address of the template consumer in S3, which the account of the StackSet may read.",
    pattern: "^https://[^\\s]{1,1016}$",
    constraint: "An address that begins with https://.",
  },
  StackSetName: {
    group: "Rollout",
    description: "Name of the StackSet.",
    default: "stackyard-consumers",
    pattern: "^[A-Za-z][A-Za-z0-9-]{0,127}$",
  },
  PermissionModel: {
    group: "Rollout",
    description:
      "SERVICE_MANAGED: into units of the organisation. SELF_MANAGED: into accounts that have the roles of StackSets.",
    default: "SERVICE_MANAGED",
    values: ["SERVICE_MANAGED", "SELF_MANAGED"],
  },
  CallAs: {
    group: "Rollout",
    description:
      "For service-managed: SELF in the management account, DELEGATED_ADMIN in a delegated administrator account.",
    default: "SELF",
    values: ["SELF", "DELEGATED_ADMIN"],
  },
  OrganizationalUnitIds: {
    group: "Rollout",
    description: "For service-managed: units or the root, ids by commas.",
    ...optional(`${UNIT}(,${UNIT}){0,99}`, "Ids such as ou-ab12-cd34ef56 or r-ab12 by commas, or nothing."),
  },
  ConsumerAccounts: {
    group: "Rollout",
    description: "For self-managed: accounts by commas.",
    ...accountsUpTo(200),
  },
  ConsumerRegions: { group: "Rollout", description: "Regions by commas.", type: "CommaDelimitedList" },
  AutoDeployment: {
    group: "Rollout",
    description:
      "For service-managed: true, an account that joins a unit gets a consumer, and one that leaves it loses it. The bucket is kept.",
    default: "true",
    values: ["true", "false"],
  },
  FailureTolerancePercentage: {
    group: "Rollout",
    description: "Share of accounts in a region that may fail before the rest is given up. Not for auto-deployment.",
    ...PERCENT,
    default: 10,
  },
  MaxConcurrentPercentage: {
    group: "Rollout",
    description: "Share of accounts that are worked at a time. Not for auto-deployment.",
    ...PERCENT,
    default: 25,
    min: 1,
  },
} as const satisfies Readonly<Record<string, ParameterDefinition>>;

/** Parameters of the templates `distributor`, `consumer`, `consumer-zip` and `consumers-rollout`. */
export const ARTIFACTS_PARAMETERS = {
  ...ROLLOUT_PARAMETERS,
  ...CONSUMER_PARAMETERS,
  ...SHARED,
  ...DISTRIBUTOR_PARAMETERS,
} as const;
