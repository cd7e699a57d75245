import {
  accountsUpTo,
  BUCKET_OR_NOTHING,
  BUCKET_PREFIX,
  COUNT,
  KEY,
  KEY_ARN,
  type ParameterDefinition,
  SWITCH,
  TABLE,
} from "./parameter-forms.ts";

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
      "Beginning of the keys of files that others upload without a manifest; / for the whole bucket. Empty: there are none.",
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
    description: "Days for which versions are kept that are neither current nor missing anywhere. Empty: for ever.",
    ...COUNT,
  },
} as const satisfies Readonly<Record<string, ParameterDefinition>>;
