import { type Clock, isStackyardError, RecentMap } from "@stackyard/core";
import { findAwsFault } from "./aws-fault.ts";
import { isUpload } from "./upload-encryption.ts";

/**
 * The time in which a denial may pass by itself: IAM is eventually consistent, and a new role, policy or trust is denied for
 * seconds, rarely for more than a minute (IAM guide, "Changes that I make are not always immediately visible").
 */
export const NEW_ROLE_MS = 120_000;

/** Doubled from one second. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 15_000;

/** A denied call of a role. Instants: epoch milliseconds. */
export interface Denial {
  readonly now: number;
  /** The first call of this role in the process. */
  readonly firstCallAt: number;
  /** The number of times that the call was denied, from 1. */
  readonly denied: number;
  /** The end of the caller's time. Default: none. */
  readonly deadlineAt?: number | undefined;
}

/**
 * Decides about a denied call: the pause before the next try, within two minutes of the role's first call and within
 * the caller's time; undefined when the denial is final.
 */
export function decideDenial({ now, firstCallAt, denied, deadlineAt }: Denial): number | undefined {
  const end = Math.min(firstCallAt + NEW_ROLE_MS, deadlineAt ?? Number.POSITIVE_INFINITY);
  const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (denied - 1));
  if (now + pauseMs <= end) return pauseMs;
  return now + FIRST_PAUSE_MS <= end ? end - now : undefined;
}

/** Where a denied call is retried. */
export interface DenialRetry {
  readonly clock: Pick<Clock, "now" | "sleep">;
  readonly firstCallAt: number;
  readonly deadlineAt?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Makes a call, and again while AWS denies it and the denial may pass. Throws all other errors at once. */
export async function retryDenied<Result>(retry: DenialRetry, call: () => Promise<Result>): Promise<Result> {
  const { clock, firstCallAt, deadlineAt, signal } = retry;
  for (let denied = 1; ; denied += 1) {
    try {
      return await call();
    } catch (error) {
      const pauseMs = isDenial(error) ? decideDenial({ now: clock.now(), firstCallAt, denied, deadlineAt }) : undefined;
      if (pauseMs === undefined || signal?.aborted === true) throw error;
      await clock.sleep(pauseMs, signal);
    }
  }
}

/** Returns true if AWS has denied the call, and has therefore not executed it. */
export function isDenial(error: unknown): boolean {
  return findAwsFault(error).code === "FORBIDDEN";
}

/** The role's first calls in this process. */
export interface RoleAges {
  /** Returns the instant of the role's first call, which this call may be. */
  firstCallAt(role: string): number;
}

/** More roles are not kept; the oldest ones have long been through. */
const MAX_ROLES = 1_000;

/** Creates an empty register. */
export function createRoleAges(clock: Pick<Clock, "now">): RoleAges {
  const known = new RecentMap<string, number>(MAX_ROLES);
  return { firstCallAt: (role) => known.findOr(role, clock.now) };
}

/** A call of an SDK client. */
export interface CallFacts {
  /** As the SDK names the client, without `Client`: `STS`, `S3`. */
  readonly service: string;
  readonly operation: string;
  readonly input: unknown;
}

/** Calls that no caller depends on: without them, messages are only delivered again later. */
const OPTIONAL: ReadonlySet<string> = new Set(["SQS.ChangeMessageVisibility", "SQS.ChangeMessageVisibilityBatch"]);

/** Returns true for a call whose denial is never worth a wait. */
export function isOptionalCall({ service, operation }: Pick<CallFacts, "service" | "operation">): boolean {
  return OPTIONAL.has(`${service}.${operation}`);
}

/** Prefixes of IAM actions that differ from the client's name ("Actions, resources, and condition keys"). */
const PREFIXES: Readonly<Record<string, string>> = {
  AutoScaling: "autoscaling",
  CloudWatchLogs: "logs",
  CostExplorer: "ce",
  ElasticLoadBalancing: "elasticloadbalancing",
  ElasticLoadBalancingV2: "elasticloadbalancing",
  EventBridge: "events",
  ResourceGroupsTaggingAPI: "tag",
  SFN: "states",
};

/** Actions of S3 that differ from their operation ("Required permissions for Amazon S3 API operations"). */
const S3_ACTIONS: Readonly<Record<string, string>> = {
  CompleteMultipartUpload: "PutObject",
  CopyObject: "PutObject",
  CreateMultipartUpload: "PutObject",
  DeleteObjects: "DeleteObject",
  GetBucketEncryption: "GetEncryptionConfiguration",
  GetBucketLifecycleConfiguration: "GetLifecycleConfiguration",
  GetPublicAccessBlock: "GetBucketPublicAccessBlock",
  HeadBucket: "ListBucket",
  HeadObject: "GetObject",
  ListObjectsV2: "ListBucket",
  ListObjectVersions: "ListBucketVersions",
  PutBucketEncryption: "PutEncryptionConfiguration",
  PutBucketLifecycleConfiguration: "PutLifecycleConfiguration",
  PutPublicAccessBlock: "PutBucketPublicAccessBlock",
  UploadPart: "PutObject",
};

/** Returns the IAM action of a call, such as `s3:ListBucket` for HeadBucket. */
export function toAction({ service, operation }: Pick<CallFacts, "service" | "operation">): string {
  if (service === "S3") return `s3:${S3_ACTIONS[operation] ?? operation}`;
  if (service === "Lambda" && operation === "Invoke") return "lambda:InvokeFunction";
  return `${PREFIXES[service] ?? service.toLowerCase()}:${operation}`;
}

/** The fields of inputs that name what a call works on, most telling first. None of them is a secret. */
const RESOURCE_FIELDS = [
  ...["RoleArn", "stateMachineArn", "executionArn", "Bucket", "TableName", "QueueUrl", "TopicArn", "SecretId"],
  ...["FunctionName", "TargetGroupArn", "AutoScalingGroupName", "cluster", "taskDefinition", "StackName"],
  ...["DocumentName", "logGroupName", "KeyId", "LaunchTemplateName", "InstanceProfileName", "RoleName", "Name"],
];

/** Returns the resource of a call: a name or an ARN; undefined if the input has none. */
export function findResource(input: unknown): string | undefined {
  const values = Object(input) as Readonly<Record<string, unknown>>;
  const field = RESOURCE_FIELDS.find((name) => typeof values[name] === "string" && values[name] !== "");
  if (field !== undefined) return String(values[field]);
  const [entry] = Array.isArray(values["Entries"]) ? values["Entries"] : [];
  const bus: unknown = Object(entry)["EventBusName"];
  return typeof bus === "string" ? bus : undefined;
}

/** Policies that demand the header look at the request alone: default encryption of the bucket does not help. */
function toUploadAdvice({ service, operation, input }: CallFacts): string {
  if (!isUpload(service, operation) || Object(input).ServerSideEncryption !== undefined) return "";
  return " If a policy denies uploads that do not name their encryption, set STACKYARD_S3_ENCRYPTION.";
}

/**
 * Adds the call, the resource and the missing right to the message of a final denial: for some calls AWS answers only
 * a status. Returns the same error, whose class and name callers may check.
 */
export function explainDenial(error: unknown, call: CallFacts): unknown {
  if (!(error instanceof Error) || isStackyardError(error) || !isDenial(error)) return error;
  const action = toAction(call);
  const advice = `The role may lack ${action}`;
  if (error.message.includes(advice)) return error;
  const resource = findResource(call.input);
  const of = resource === undefined || error.message.includes(resource) ? "" : ` on ${resource}`;
  const said = error.message.replace(/\.?$/, ".");
  error.message = `${said} ${call.service}.${call.operation} was denied. ${advice}${of}.${toUploadAdvice(call)}`;
  return error;
}
