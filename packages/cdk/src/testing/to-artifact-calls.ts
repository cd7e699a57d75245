import type { LoggedCall } from "@stackyard/aws-sim";
import type { Call } from "./find-grants.ts";
import { toJson } from "./resolve-template.ts";

type Judge = (input: Readonly<Record<string, unknown>>, call: LoggedCall) => readonly Call[];

const BUCKET_CALLS: Readonly<Record<string, string>> = {
  HeadBucket: "ListBucket",
  ListObjectsV2: "ListBucket",
  ListObjectVersions: "ListBucketVersions",
  GetPublicAccessBlock: "GetBucketPublicAccessBlock",
  PutPublicAccessBlock: "PutBucketPublicAccessBlock",
  GetBucketEncryption: "GetEncryptionConfiguration",
  PutBucketEncryption: "PutEncryptionConfiguration",
  GetBucketLifecycleConfiguration: "GetLifecycleConfiguration",
  PutBucketLifecycleConfiguration: "PutLifecycleConfiguration",
};

const objectArn = (input: Readonly<Record<string, unknown>>, key: unknown = input["Key"]) =>
  `arn:aws:s3:::${input["Bucket"]}/${key}`;
const onObject =
  (action: string): Judge =>
  (input) => [{ action: `s3:${action}`, resource: objectArn(input) }];

const JUDGES: Readonly<Record<string, Judge>> = {
  "S3.GetObject": readObject,
  "S3.HeadObject": readObject,
  "S3.PutObject": onObject("PutObject"),
  "S3.CreateMultipartUpload": onObject("PutObject"),
  "S3.UploadPart": onObject("PutObject"),
  "S3.CompleteMultipartUpload": onObject("PutObject"),
  "S3.AbortMultipartUpload": onObject("AbortMultipartUpload"),
  "S3.DeleteObject": (input) => toDeletions(input, input["Key"], input["VersionId"]),
  "S3.DeleteObjects": (input) => {
    const { Objects } = toJson(input["Delete"]);
    return (Array.isArray(Objects) ? Objects : []).flatMap((each) => {
      const { Key, VersionId } = toJson(each);
      return toDeletions(input, Key, VersionId);
    });
  },
  // With the setting of ownership in the same call ("CreateBucket", Permissions).
  "S3.CreateBucket": (input) =>
    ["s3:CreateBucket", ...("ObjectOwnership" in input ? ["s3:PutBucketOwnershipControls"] : [])].map((action) => {
      return { action, resource: `arn:aws:s3:::${input["Bucket"]}` };
    }),
  "SQS.ChangeMessageVisibility": onQueue,
  "SQS.SendMessage": onQueue,
  "EventBridge.PutEvents": (input, { region, arn }) => {
    const entries = Array.isArray(input["Entries"]) ? input["Entries"].map(toJson) : [];
    const own = `arn:aws:events:${region}:${arn.split(":")[4]}:event-bus/default`;
    return entries.map(({ EventBusName = own }) => ({ action: "events:PutEvents", resource: String(EventBusName) }));
  },
  "STS.AssumeRole": (input) => [{ action: "sts:AssumeRole", resource: String(input["RoleArn"]) }],
  // No permission is needed for it (STS API reference).
  "STS.GetCallerIdentity": () => [],
  "SFN.StartExecution": (input) => [{ action: "states:StartExecution", resource: String(input["stateMachineArn"]) }],
  "SFN.DescribeExecution": (input) => [{ action: "states:DescribeExecution", resource: String(input["executionArn"]) }],
  "SNS.Publish": (input) => [{ action: "sns:Publish", resource: String(input["TopicArn"]) }],
  "SNS.PublishBatch": (input) => [{ action: "sns:Publish", resource: String(input["TopicArn"]) }],
  "SNS.ListSubscriptionsByTopic": (input) => [
    { action: "sns:ListSubscriptionsByTopic", resource: String(input["TopicArn"]) },
  ],
  "SNS.Subscribe": (input) => [{ action: "sns:Subscribe", resource: String(input["TopicArn"]) }],
  // Without a resource type in the service authorization reference.
  "SNS.ListSubscriptions": () => [{ action: "sns:ListSubscriptions", resource: "*" }],
  "SNS.Unsubscribe": () => [{ action: "sns:Unsubscribe", resource: "*" }],
};

/**
 * Calls as policies name them; one call may need several permissions. Source: service authorization references, "Actions" of each service.
 */
export function toArtifactCalls(calls: readonly LoggedCall[]): readonly Call[] {
  return calls.flatMap((call) => {
    const judge = JUDGES[call.operation];
    if (judge !== undefined) return judge(call.input, call);
    const [service, operation = ""] = call.operation.split(".");
    if (service !== "S3") throw new TypeError(`Unsupported operation ${call.operation}.`);
    const action = `s3:${BUCKET_CALLS[operation] ?? operation}`;
    return [{ action, resource: `arn:aws:s3:::${call.input["Bucket"]}` }];
  });
}

/** Returns the calls of a deletion; the first one always ("DeleteObject" and "DeleteObjects", Permissions). */
function toDeletions(input: Readonly<Record<string, unknown>>, key: unknown, version: unknown): readonly Call[] {
  const actions = ["s3:DeleteObject", ...(version === undefined ? [] : ["s3:DeleteObjectVersion"])];
  return actions.map((action) => ({ action, resource: objectArn(input, key) }));
}

/**
 * Returns the calls of a read. S3 reports a missing key as missing only to callers that may list ("GetObject",
 * Permissions).
 */
function readObject(input: Readonly<Record<string, unknown>>): readonly Call[] {
  const action = input["VersionId"] === undefined ? "s3:GetObject" : "s3:GetObjectVersion";
  return [{ action, resource: objectArn(input) }];
}

function onQueue(input: Readonly<Record<string, unknown>>, { operation }: LoggedCall): readonly Call[] {
  const [, , host = "", account, name] = String(input["QueueUrl"]).split("/");
  const resource = `arn:aws:sqs:${host.split(".")[1]}:${account}:${name}`;
  return [{ action: `sqs:${operation.split(".")[1]}`, resource }];
}
