import { Aws, Fn } from "aws-cdk-lib";
import { type Given, mapGiven, toCfn } from "../given.ts";
import { allow, deny, type Permission, type Statement, toBucketArn, viaService } from "./statement.ts";
import { sendTo, workByLambda } from "./yard-permissions.ts";

/** Keys of the consumer's own records in its bucket. */
const OWN = ".stackyard/*";

/**
 * Writes copies, compares them, and keeps its own records in the same bucket. Without the right to list, S3 reports a missing key
 * as forbidden ("GetObject", Permissions).
 */
export function storeCopies(bucket: string): Permission {
  const arn = toBucketArn(bucket);
  const objects = `${arn}/*`;
  return {
    name: "Bucket",
    statements: [
      allow("SeeWhatIsMissing", ["s3:ListBucket"], arn),
      allow("ReadAndWrite", ["s3:GetObject", "s3:PutObject"], objects),
      allow("GiveUpUploads", ["s3:AbortMultipartUpload"], objects),
      allow("ForgetOwnRecords", ["s3:DeleteObject"], `${arn}/${OWN}`),
    ],
  };
}

/** Deletes versions that the distributor retires. */
export function deleteRetired(bucket: string): Permission {
  return { name: "Retired", statements: [allow("Delete", ["s3:DeleteObject"], `${toBucketArn(bucket)}/*`)] };
}

/** The bucket that artifacts come from. */
export interface SourceRights {
  readonly bucket: string;
  /** The bucket must belong to this organization. */
  readonly organizationId?: Given<string> | undefined;
}

/** Reads artifacts with the consumer's own identity. The distributor's bucket must allow it. */
export function readSource({ bucket, organizationId }: SourceRights): Permission {
  const read = allow("Read", ["s3:GetObject", "s3:GetObjectVersion"], `${toBucketArn(bucket)}/*`);
  return { name: "Source", statements: [withinOrganization(read, organizationId)] };
}

/** Decrypts artifacts under the distributor's key, and only through S3 in its region. */
export function decryptSource(keyArn: string, region: string): Permission {
  const Condition = { StringEquals: { "kms:ViaService": Fn.join("", ["s3.", region, ".", Aws.URL_SUFFIX]) } };
  return { name: "SourceKey", statements: [{ ...allow("OfArtifacts", ["kms:Decrypt"], keyArn), Condition }] };
}

/** Reads and writes copies under the customer managed key, and only through S3. */
export function useBucketKey(keyArn: string): Permission {
  const use = allow("OfCopies", ["kms:Decrypt", "kms:GenerateDataKey"], keyArn);
  return { name: "BucketKey", statements: [viaService("s3", use)] };
}

/** Reads the queue, sets when a message comes again, and stores rejected messages. */
export function workQueues(queueArn: string, parkingQueueArn: string): Permission {
  return {
    name: "Queues",
    statements: [workByLambda("ReadMessages", queueArn), sendTo("DeadLetters", parkingQueueArn)],
  };
}

/** Sends receipts and registers, only on the distributor's bus. */
export function sendReceipts(busArn: string): Permission {
  return { name: "Receipts", statements: [allow("Send", ["events:PutEvents"], busArn)] };
}

/** Assumes the role that starts initial sets. */
export function askForInitialSet(roleArn: string, organizationId: Given<string> | undefined): Permission {
  const take = allow("TakeRole", ["sts:AssumeRole"], roleArn);
  return { name: "InitialSet", statements: [withinOrganization(take, organizationId)] };
}

/** Subscribes the queue again after the distributor has ended its subscription. The last two calls have no resource type. */
export function subscribeAgain(topicArn: string): Permission {
  const end = allow("EndSubscription", ["sns:ListSubscriptions", "sns:Unsubscribe"], "*");
  return { name: "Subscription", statements: [allow("SubscribeQueue", ["sns:Subscribe"], topicArn), end] };
}

const SETTINGS = [
  ...["PublicAccessBlock", "OwnershipControls", "Versioning", "Policy", "Tagging"].map((what) => `Bucket${what}`),
  ...["EncryptionConfiguration", "LifecycleConfiguration"],
];

/** Creates one bucket, or adopts the existing one, and closes it. */
export function adoptBucket(bucket: string): Permission {
  const actions = [
    "s3:CreateBucket",
    "s3:ListBucket",
    // Read before the first write: what would refuse it.
    "s3:GetBucketAcl",
    "s3:GetBucketPolicyStatus",
    ...SETTINGS.flatMap((what) => [`s3:Get${what}`, `s3:Put${what}`]),
  ];
  return { name: "Bucket", statements: [allow("MakeAndClose", actions, toBucketArn(bucket))] };
}

/**
 * Denies access to the source bucket. A distributor with an adopted old bucket has it under the name that a consumer
 * with the old prefix has in the same account and region.
 */
export function spareSource(sourceBucket: string): Permission {
  const arn = toBucketArn(sourceBucket);
  return { name: "Source", statements: [deny("LeaveAlone", ["s3:*"], [arn, `${arn}/*`])] };
}

/** Empties that bucket and removes it. */
export function emptyBucket(bucket: string): Permission {
  const arn = toBucketArn(bucket);
  return {
    name: "Empty",
    statements: [
      allow("Objects", ["s3:DeleteObject", "s3:DeleteObjectVersion"], `${arn}/*`),
      allow("WholeBucket", ["s3:ListBucketVersions", "s3:DeleteBucket"], arn),
    ],
  };
}

function withinOrganization(statement: Statement, organizationId: Given<string> | undefined): Statement {
  if (organizationId === undefined) return statement;
  const within = mapGiven(organizationId, (id) => ({ StringEquals: { "aws:ResourceOrgID": id } }));
  return { ...statement, Condition: toCfn(within, (condition) => condition) };
}

/** Allows the registry, coverage and outbox. */
export function keepRecords(tableArn: string): Permission {
  const items = ["GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"].map((call) => `dynamodb:${call}`);
  return { name: "Records", statements: [allow("Items", items, tableArn)] };
}

/**
 * Reads artifacts, and writes manifests of files that others have uploaded, which are among the artifacts. Without the right to list, S3
 * reports a missing key as forbidden ("GetObject", Permissions).
 */
export function keepArtifacts(bucket: string, manifests: readonly string[]): Permission {
  const arn = toBucketArn(bucket);
  return {
    name: "Artifacts",
    statements: [
      allow("SeeWhatIsMissing", ["s3:ListBucket"], arn),
      allow("Read", ["s3:GetObject", "s3:GetObjectVersion"], `${arn}/*`),
      allow("WriteManifests", ["s3:PutObject"], manifests),
    ],
  };
}

/** Removes expired versions by their version ids, which needs a separate permission. */
export function removeArtifacts(objects: readonly string[]): Permission {
  return { name: "Retention", statements: [allow("Remove", ["s3:DeleteObject", "s3:DeleteObjectVersion"], objects)] };
}

/** Announces versions, and notifies the account when a version is present everywhere. */
export function announce(topicArn: string): Permission {
  const bus = `arn:${Aws.PARTITION}:events:${Aws.REGION}:${Aws.ACCOUNT_ID}:event-bus/default`;
  return {
    name: "Announcements",
    statements: [allow("Publish", ["sns:Publish"], topicArn), allow("TellCovered", ["events:PutEvents"], bus)],
  };
}

/** Ends subscriptions of accounts that are no longer trusted. `sns:Unsubscribe` has no resource type: it is authorized against `*`. */
export function endSubscriptions(topicArn: string): Permission {
  const list = allow("ListSubscriptions", ["sns:ListSubscriptionsByTopic"], topicArn);
  return { name: "Subscriptions", statements: [list, allow("EndSubscriptions", ["sns:Unsubscribe"], "*")] };
}

/** Looks up whether accounts are still in the organization, with the own role in a delegated administrator. */
export function findMembers(): Permission {
  return { name: "Organization", statements: [allow("FindMembers", ["organizations:DescribeAccount"], "*")] };
}

/** Assumes the role that may look up the accounts of the organization. */
export function takeOrganizationRole(roleArn: string): Permission {
  return { name: "OrganizationRole", statements: [allow("TakeRole", ["sts:AssumeRole"], roleArn)] };
}

/** Starts initial sets. */
export function startInitialSets(machineArn: string): Permission {
  return { name: "InitialSets", statements: [allow("Start", ["states:StartExecution"], machineArn)] };
}

/** Assumes the role that signs URLs; its credentials have a known expiry. */
export function takeSignerRole(roleArn: string): Permission {
  return { name: "Signer", statements: [allow("TakeRole", ["sts:AssumeRole"], roleArn)] };
}

/** Allows the objects that a URL may name. */
export function readSigned(objects: readonly string[]): Permission {
  return { name: "Artifacts", statements: [allow("Read", ["s3:GetObject", "s3:GetObjectVersion"], objects)] };
}

/** Uses the customer managed key of the bucket or of the topic, and only through these services. */
export function useKeyVia(name: string, service: "s3" | "sns", keyArn: string, actions: readonly string[]): Permission {
  return { name, statements: [viaService(service, allow("Use", actions, keyArn))] };
}

/** Lets Lambda send failed events there. */
export function sendFailures(queueArn: string): Permission {
  return { name: "Failures", statements: [allow("Send", ["sqs:SendMessage"], queueArn)] };
}
