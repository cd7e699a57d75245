import {
  ARN,
  accountsUpTo,
  BUCKET,
  BUCKET_OR_NOTHING,
  BUCKET_PREFIX,
  CODE_VERSION,
  COUNT,
  inGroup,
  KEY,
  KEY_ARN,
  optional,
  type ParameterDefinition,
  SWITCH,
  TABLE,
} from "./parameter-forms.ts";

const SHARED = inGroup("Artifacts", {
  KmsKeyArn: {
    description:
      "Customer managed KMS key of the bucket's objects, also if an existing bucket has one. Empty: the key of S3.",
    ...KEY_ARN,
  },
  TopicFilter: {
    description:
      "true: the topic filters by account and region; it has 200 filter policies by default. false: consumers leave messages for others to them.",
    default: "true",
    values: ["true", "false"],
  },
  Transfer: {
    description:
      "identity: consumers read the distributor's bucket. presigned: they use presigned URLs. auto: the first that works.",
    default: "auto",
    values: ["auto", "identity", "presigned"],
  },
});

const NAME = "[A-Za-z0-9+=,.@_-]{1,64}";
/** The maximum in a trust policy of 2,048 characters, each as the ARN into which IAM converts it. Source: "IAM and AWS STS quotas". */
const TRUSTED_ACCOUNTS = 40;

const ROLE_ARN = `${ARN}:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]{1,576}`;

/** The parameters of a distributor. */
export const DISTRIBUTOR_PARAMETERS = {
  DistributorCodeKey: { group: "Code", description: "Key of the zip of the distributor.", ...KEY },
  DistributorCodeVersion: CODE_VERSION,
  ...inGroup("Distributor", {
    TrustedAccounts: {
      description:
        "Comma-separated accounts whose consumers are served, including this account if it has consumers. For more than 40 accounts, set OrganizationId. Empty: only those of the organization.",
      ...accountsUpTo(TRUSTED_ACCOUNTS),
    },
    OrganizationRoleArn: {
      description:
        "Role of the management account, or of a delegated administrator, that may call organizations:DescribeAccount: accounts that leave the organization lose their subscriptions. Empty: the function's own role.",
      ...optional(ROLE_ARN, "The ARN of a role, or nothing."),
    },
    InitialSetRoleName: {
      description:
        "Name of the role with which consumers start their initial set. A second distributor in the account, in another region, needs another name.",
      default: "TriggerInitSetRole",
      pattern: `^${NAME}$`,
    },
    ConsumersMayWait: {
      description: "true: consumers may check when their initial set has ended (WaitForInitialSet).",
      ...SWITCH,
    },
  }),
  ...inGroup("Artifacts", {
    SourceBucketPrefix: {
      description: "Prefix of the name of the artifact bucket, before account and region.",
      default: "stackyard-artifact-source",
      ...BUCKET_PREFIX,
    },
    ExistingSourceBucket: {
      description:
        "Existing artifact bucket, such as that of the predecessor, with notifications to EventBridge. Empty: a bucket is created, and kept when this stack is deleted.",
      ...BUCKET_OR_NOTHING,
    },
    ExistingRecordsTable: {
      description: "Existing table of records. Empty: a table is created, and kept when this stack is deleted.",
      ...TABLE,
    },
    ArtifactPrefix: {
      description: "Prefix of the keys of artifacts with a manifest. Empty: the whole bucket.",
      default: "",
      pattern: "^([^\\s*?]{0,255}/)?$",
      constraint: "Nothing, or a prefix without spaces, * and ? that ends with /.",
    },
    UploadPrefix: {
      description:
        "Key prefix of files that are uploaded without a manifest; / for the whole bucket. Empty: no such uploads.",
      default: "",
      pattern: "^([^\\s*?]{0,255}/)?$",
      constraint: "Nothing, or a prefix without spaces, * and ? that ends with /.",
    },
  }),
  TopicKeyArn: {
    group: "Distributor",
    description: "Customer managed KMS key of the topic, which sns.amazonaws.com may use. Empty: none.",
    ...KEY_ARN,
  },
  ...inGroup("Artifacts", {
    UrlSeconds: {
      description: "Maximum validity of URLs in seconds. The credentials that sign them expire after an hour.",
      type: "Number",
      default: 3_600,
      min: 900,
      max: 604_800,
    },
    OverdueSeconds: {
      description: "Seconds without a receipt after which an artifact is announced again.",
      type: "Number",
      default: 900,
      min: 300,
      max: 86_400,
    },
    KeepDays: {
      description:
        "Days for which versions are kept that are neither current nor missing at a consumer. Empty: unlimited.",
      ...COUNT,
    },
  }),
} as const satisfies Readonly<Record<string, ParameterDefinition>>;

const REGION = "[a-z]{2,5}(-[a-z]+)+-[0-9]{1,2}";
const BUCKET_NAME = BUCKET.pattern.slice(1, -1);

/** The parameters of consumers of artifacts; the first have the predecessor's names. */
export const CONSUMER_PARAMETERS = {
  ...inGroup("Distributor", {
    DistributionTopic: {
      description: "Topic of the distributor (output DistributionTopic).",
      ...optional(`${ARN}:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}`, "The ARN of a topic."),
    },
    DistributionRegion: {
      description: "Region of the distributor. Empty: the region in the topic's ARN.",
      ...optional(REGION, "A region, or nothing."),
    },
    DistributionBucket: {
      description: "Source bucket of artifacts (output DistributionBucket).",
      ...BUCKET_OR_NOTHING,
    },
    InitialDistributionRole: {
      description: "Role that starts initial sets (output InitialDistributionRole).",
      ...optional(ROLE_ARN, "The ARN of a role."),
    },
    InitialDistributionSetMachine: {
      description: "State machine of initial sets (output InitialDistributionSetMachine).",
      ...optional(`${ARN}:states:[a-z0-9-]+:[0-9]{12}:stateMachine:[A-Za-z0-9_-]{1,80}`, "The ARN of a state machine."),
    },
    ReceiptBus: {
      description: "Event bus of receipts (output ReceiptBus). Empty: no receipts are sent.",
      ...optional(
        `${ARN}:events:[a-z0-9-]+:[0-9]{12}:event-bus/[A-Za-z0-9._/-]{1,256}`,
        "The ARN of a bus, or nothing.",
      ),
    },
    DistributionKeyArn: {
      description:
        "Customer managed KMS key of the distributor's bucket (output DistributionKeyArn). Empty: the key of S3.",
      ...KEY_ARN,
    },
    ExternalId: {
      description: "External id that the role of initial sets requires. Empty: none.",
      ...optional("[A-Za-z0-9+=,.@:/_-]{2,1224}", "An external id, or nothing."),
    },
    OrganizationId: {
      description: "Organization of consumers and distributor. Empty: not required.",
      ...optional("o-[a-z0-9]{10,32}", "The id of an organisation, or nothing."),
    },
  }),
  ...inGroup("Artifacts", {
    TargetBucket: {
      description: "Existing bucket for the copies. !NO_VALUE or empty: a bucket is created, or adopted if it exists.",
      default: "!NO_VALUE",
      pattern: `^(!NO_VALUE|${BUCKET_NAME})?$`,
      constraint: "The name of a bucket, !NO_VALUE or nothing.",
    },
    BucketPrefix: {
      description:
        "Prefix of the name of that bucket, before account and region. The predecessor uses tts-cloud-artifacts.",
      default: "stackyard-artifacts",
      ...BUCKET_PREFIX,
    },
    EmptyOnDelete: {
      description:
        "true: the bucket is emptied and deleted with the stack. A bucket that existed before the stack is so only after an update with true. false: it is kept.",
      ...SWITCH,
    },
    SsmParameterName: {
      description: "Systems Manager parameter that contains the name of the bucket. Empty: none.",
      default: "/stackyard/consumer/bucket-name",
      pattern: "^(/[A-Za-z0-9_./-]{1,1000})?$",
      constraint: "A name that begins with /, or nothing.",
    },
    MaxBytes: {
      description: "Maximum size of an artifact in bytes.",
      type: "Number",
      default: 53_687_091_200,
      min: 1,
    },
    Retire: {
      description: "true: artifacts that the distributor retires are deleted here.",
      ...SWITCH,
    },
    AcceptV1: {
      description: "true: accepts messages of distributors of version 1, which contain no digests.",
      ...SWITCH,
      default: "true",
    },
    ExtraHosts: {
      description: "Comma-separated host names, besides those of S3, for downloads of artifacts. Empty: none.",
      ...optional("[a-z0-9.,-]{1,1000}", "Names of hosts by commas, or nothing."),
    },
    PrivateEndpoints: {
      description: "true: host names of S3 may resolve to private addresses, as in subnets with an interface endpoint.",
      ...SWITCH,
    },
    TriggerVersion: {
      description: "Change this value to request the initial set again.",
      default: "1.0",
      pattern: "^[^\\r\\n]{1,256}$",
    },
    WaitForInitialSet: {
      description:
        "true: the stack waits until the initial set was announced, at most 15 minutes. The distributor must allow it.",
      ...SWITCH,
    },
  }),
  CodeBucketPrefix: {
    group: "Code",
    description: "Prefix of the names of the buckets with the zip, one in each region: PREFIX-eu-west-1 and so on.",
    pattern: "^[a-z0-9][a-z0-9.-]{1,45}$",
    constraint: "The beginning of the name of a bucket.",
  },
  ConsumerZip: {
    group: "Code",
    description:
      "Key of the consumer's zip in that bucket. It contains the SHA-256 of the zip, so each zip has its own key.",
    pattern: "^[^\\s]{0,900}[0-9a-f]{64}[^\\s]{0,60}$",
    constraint: "The key of an object with a SHA-256 of 64 small hexadecimal digits in it.",
  },
} as const satisfies Readonly<Record<string, ParameterDefinition>>;

const UNIT = "(ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}|r-[a-z0-9]{4,32})";
const PERCENT = { type: "Number", min: 0, max: 100 } as const;

/** Settings for the roll-out of consumers to accounts and regions. */
export const ROLLOUT_PARAMETERS = inGroup("Rollout", {
  ConsumerTemplateUrl: {
    description: "S3 URL of the template consumer. The account of the StackSet must be able to read it.",
    pattern: "^https://[^\\s]{1,1016}$",
    constraint: "An address that begins with https://.",
  },
  StackSetName: {
    description: "Name of the StackSet.",
    default: "stackyard-consumers",
    pattern: "^[A-Za-z][A-Za-z0-9-]{0,127}$",
  },
  PermissionModel: {
    description:
      "SERVICE_MANAGED: deploys to units of the organization. SELF_MANAGED: deploys to accounts that have the roles of StackSets.",
    default: "SERVICE_MANAGED",
    values: ["SERVICE_MANAGED", "SELF_MANAGED"],
  },
  CallAs: {
    description:
      "For SERVICE_MANAGED: SELF in the management account, DELEGATED_ADMIN in a delegated administrator account.",
    default: "SELF",
    values: ["SELF", "DELEGATED_ADMIN"],
  },
  OrganizationalUnitIds: {
    description: "For SERVICE_MANAGED: comma-separated ids of units or of the root.",
    ...optional(`${UNIT}(,${UNIT}){0,99}`, "Ids such as ou-ab12-cd34ef56 or r-ab12 by commas, or nothing."),
  },
  ConsumerAccounts: {
    description: "For SELF_MANAGED: comma-separated account ids.",
    ...accountsUpTo(200),
  },
  ConsumerRegions: { description: "Comma-separated regions.", type: "CommaDelimitedList" },
  AutoDeployment: {
    description:
      "For SERVICE_MANAGED: true deploys a consumer to an account that joins a unit, and deletes that of an account that leaves it. The bucket is kept.",
    ...SWITCH,
    default: "true",
  },
  FailureTolerancePercentage: {
    description:
      "Percentage of accounts in a region that may fail before the deployment stops. Does not apply to automatic deployments.",
    ...PERCENT,
    default: 10,
  },
  MaxConcurrentPercentage: {
    description: "Percentage of accounts that are deployed at the same time. Does not apply to automatic deployments.",
    ...PERCENT,
    default: 25,
    min: 1,
  },
});

/** Parameters of the templates `distributor`, `consumer`, `consumer-zip` and `consumers-rollout`. */
export const ARTIFACTS_PARAMETERS = {
  ...ROLLOUT_PARAMETERS,
  ...CONSUMER_PARAMETERS,
  ...SHARED,
  ...DISTRIBUTOR_PARAMETERS,
} as const;
