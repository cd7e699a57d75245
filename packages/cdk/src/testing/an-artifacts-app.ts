import type { InlineConsumer } from "../templates/consumer-template.ts";
import type { TemplateSources } from "../templates/synthesize-templates.ts";
import { KEY, OPERATIONS, SUBNETS } from "./a-yard.ts";

/** Replaces the built consumer. */
export const INLINE: InlineConsumer = {
  copy: "exports.handler = async () => 'copied';",
  resources: "exports.initialSet = async () => {}; exports.bucket = async () => {};",
};
export const SOURCES: TemplateSources = { consumer: INLINE };

const DISTRIBUTOR = "999900001111";

/** Parameters of the distributor's deployment. */
export const DISTRIBUTOR_APP = {
  CodeBucket: "code",
  DistributorCodeKey: "distributor.zip",
  TrustedAccounts: "111122223333,444455556666",
} as const;

/** All parameters are set. */
export const FULL_DISTRIBUTOR_APP = {
  S3Encryption: "arn:aws:kms:eu-west-1:111122223333:key/0000abcd-12ab-34cd-56ef-1234567890ab",
  ...DISTRIBUTOR_APP,
  ...SUBNETS,
  ...OPERATIONS,
  DistributorCodeVersion: "v1",
  OrganizationId: "o-a1b2c3d4e5",
  OrganizationRoleArn: "arn:aws:iam::777788889999:role/find-members",
  ExternalId: "artifacts-of-acme",
  InitialSetRoleName: "StartSets",
  ConsumersMayWait: "true",
  SourceBucketPrefix: "acme-artifacts",
  ExistingSourceBucket: "tts-cloud-artifacts-999900001111-eu-west-1",
  ExistingRecordsTable: "artifact-records",
  KmsKeyArn: KEY,
  TopicKeyArn: KEY,
  ArtifactPrefix: "artifacts/",
  UploadPrefix: "uploads/",
  Transfer: "presigned",
  UrlSeconds: "1800",
  OverdueSeconds: "600",
  KeepDays: "30",
} as const;

/** The outputs of a distributor that consumers need. */
export const DISTRIBUTOR_OUTPUTS = {
  DistributionTopic: `arn:aws:sns:eu-central-1:${DISTRIBUTOR}:DistributionTopic`,
  DistributionBucket: `stackyard-artifact-source-${DISTRIBUTOR}-eu-central-1`,
  InitialDistributionRole: `arn:aws:iam::${DISTRIBUTOR}:role/TriggerInitSetRole`,
  InitialDistributionSetMachine: `arn:aws:states:eu-central-1:${DISTRIBUTOR}:stateMachine:stackyard-distributor-initial-set`,
  ReceiptBus: `arn:aws:events:eu-central-1:${DISTRIBUTOR}:event-bus/stackyard-receipts`,
} as const;

/** The settings of the predecessor's consumers. */
export const OLD_CONSUMER_APP = {
  DistributionTopic: `arn:aws:sns:eu-west-1:${DISTRIBUTOR}:build-artifact-distributor-DistributionTopic-1A5L07HYRFVRA`,
  DistributionRegion: "eu-west-1",
  DistributionBucket: `tts-cloud-artifacts-${DISTRIBUTOR}-eu-west-1`,
  InitialDistributionRole: `arn:aws:iam::${DISTRIBUTOR}:role/TriggerInitSetRole`,
  InitialDistributionSetMachine: `arn:aws:states:eu-west-1:${DISTRIBUTOR}:stateMachine:InitSetRetrieverMachine-i1BYUlZbD1Si`,
  TargetBucket: "!NO_VALUE",
  TriggerVersion: "1.1",
} as const;

/** All parameters are set. */
export const FULL_CONSUMER_APP = {
  S3Encryption: "arn:aws:kms:eu-west-1:111122223333:key/0000abcd-12ab-34cd-56ef-1234567890ab",
  ...DISTRIBUTOR_OUTPUTS,
  ...SUBNETS,
  ...OPERATIONS,
  DistributionRegion: "eu-central-1",
  DistributionKeyArn: `arn:aws:kms:eu-central-1:${DISTRIBUTOR}:key/1234abcd-12ab-34cd-56ef-1234567890ab`,
  ExternalId: "artifacts-of-acme",
  OrganizationId: "o-a1b2c3d4e5",
  TargetBucket: "acme-copies",
  BucketPrefix: "acme-artifacts",
  EmptyOnDelete: "true",
  SsmParameterName: "/acme/artifacts",
  KmsKeyArn: KEY,
  QueueKeyArn: KEY,
  MaxBytes: "1000000",
  Transfer: "presigned",
  Retire: "true",
  AcceptV1: "false",
  ExtraHosts: "artifacts.example.org",
  PrivateEndpoints: "true",
  TriggerVersion: "7",
  WaitForInitialSet: "true",
} as const;

/** A bucket to create, with the parameters for one. */
export const ADOPTING_CONSUMER_APP = {
  ...DISTRIBUTOR_OUTPUTS,
  BucketPrefix: "tts-cloud-artifacts",
  EmptyOnDelete: "true",
  SsmParameterName: "",
  KmsKeyArn: KEY,
} as const;

/** The zip instead of the code itself. */
export const CONSUMER_ZIP_APP = {
  CodeBucketPrefix: "acme-code",
  ConsumerZip: `consumer/0.1.0/${"0123456789abcdef".repeat(4)}.zip`,
} as const;

/** A roll-out into an organisation. */
export const ROLLOUT_APP = {
  ...DISTRIBUTOR_OUTPUTS,
  ConsumerTemplateUrl: "https://code.s3.eu-west-1.amazonaws.com/templates/0.1.0/consumer.template.json",
  OrganizationalUnitIds: "ou-ab12-cd34ef56,ou-ab12-cd34ef57",
  ConsumerRegions: "eu-west-1,us-east-1",
} as const;

/** A rollout to accounts, with all parameters set. */
export const FULL_ROLLOUT_APP = {
  ...ROLLOUT_APP,
  StackSetName: "acme-consumers",
  PermissionModel: "SELF_MANAGED",
  CallAs: "DELEGATED_ADMIN",
  OrganizationalUnitIds: "r-ab12",
  ConsumerAccounts: "111122223333,444455556666",
  AutoDeployment: "false",
  FailureTolerancePercentage: "0",
  MaxConcurrentPercentage: "100",
} as const;

/** Ways to deploy the templates that together take both sides of every condition. */
export const ARTIFACTS_DEPLOYMENTS: readonly (readonly [string, string, Readonly<Record<string, string>>])[] = [
  ["distributor", "for accounts", DISTRIBUTOR_APP],
  ["distributor", "for an organisation", { ...DISTRIBUTOR_APP, TrustedAccounts: "", OrganizationId: "o-a1b2c3d4e5" }],
  ["distributor", "with everything said", FULL_DISTRIBUTOR_APP],
  ["consumer", "with a distributor's outputs", DISTRIBUTOR_OUTPUTS],
  ["consumer", "as the predecessor was", OLD_CONSUMER_APP],
  ["consumer", "with a bucket that goes with it", ADOPTING_CONSUMER_APP],
  ["consumer", "with everything said", FULL_CONSUMER_APP],
  ["consumer-zip", "with a distributor's outputs", { ...DISTRIBUTOR_OUTPUTS, ...CONSUMER_ZIP_APP }],
  ["consumer-zip", "with everything said", { ...FULL_CONSUMER_APP, ...CONSUMER_ZIP_APP }],
  ["consumers-rollout", "into an organisation", ROLLOUT_APP],
  ["consumers-rollout", "into accounts", FULL_ROLLOUT_APP],
];
