import type { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import type { S3Client } from "@aws-sdk/client-s3";
import type { SFNClient } from "@aws-sdk/client-sfn";
import { type CustomResourceRequest, cutReason, toReason } from "@stackyard/aws/custom-resource";
import { type Clock, isStackyardError, type Logger, StackyardError } from "@stackyard/core";
import type { Capabilities } from "../../messages.ts";
import { hideSecrets } from "../json-logger.ts";

/** What the custom resources are made of. A type of resource whose part is absent is answered as failed. */
export interface ConsumerResourcesOptions {
  /** The consumer's own. */
  readonly account: string;
  readonly region: string;
  /** Sends the answer; the global `fetch` fits. */
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  /** Default: none. */
  readonly logger?: Logger;
  /** Address of an emulator of AWS, whose host may take answers too. Default: none. */
  readonly emulator?: string;
  /** `Custom::InitialSetTrigger`. What it throws, such as `CONFIG_INVALID`, is told to CloudFormation. */
  readonly initialSet?: () => InitialSetOptions;
  /** `Custom::AdoptedBucket`. */
  readonly bucket?: () => { readonly s3: S3Client };
}

/** What is started at the distributor. */
export interface InitialSetOptions {
  readonly machineArn: string;
  /** In the machine's region, with a session of the role that may start it. */
  readonly states: SFNClient;
  /** The consumer's. */
  readonly bucket: string;
  readonly capabilities: Capabilities;
  /** Where the consumer is registered; `client` is in the region of the bus. Default: nowhere. */
  readonly receipts?: { readonly client: EventBridgeClient; readonly bus: string };
}

/** How a request ended. */
export interface ResourceOutcome {
  readonly status: "SUCCESS" | "FAILED";
  readonly reason: string;
  readonly physicalId: string;
  readonly data: Readonly<Record<string, string>>;
}

/** The answer to CloudFormation (user guide, "Custom resource response objects"). */
interface ResourceAnswer {
  readonly Status: "SUCCESS" | "FAILED";
  readonly Reason: string;
  readonly PhysicalResourceId: string;
  readonly StackId: string;
  readonly RequestId: string;
  readonly LogicalResourceId: string;
  readonly Data: Readonly<Record<string, string>>;
}

/** So much of a reason stays, whatever else the answer holds. */
const LEAST_REASON = 200;
const MAX_MESSAGE = 300;
/** Of the physical id of a resource that was never made: its deletion does nothing. */
const NEVER_MADE = "never-made-";

/** A failure that has a name of its own in the reason, such as `BUCKET_FOREIGN`. */
export function refusal(code: string, text: string): Error {
  return Object.assign(new Error(text), { refusal: code });
}

/** The answer to a type of resource that a function is not set up for. */
export function servesNone(): StackyardError {
  return new StackyardError("CONFIG_INVALID", "This function serves no such resource.");
}

/** The answer in at most 4,096 bytes: ids are bounded when they are read, data by who makes it, so the reason is cut. */
export function toAnswer(
  { StackId, RequestId, LogicalResourceId }: CustomResourceRequest,
  { status, reason, physicalId, data }: ResourceOutcome,
): ResourceAnswer {
  const ids = { PhysicalResourceId: physicalId, StackId, RequestId, LogicalResourceId };
  const answer = { Status: status, Reason: toReason(hideSecrets(reason), status), ...ids, Data: data };
  return cutReason(answer, LEAST_REASON);
}

/**
 * What an error becomes. The id stays what it was: another one would have CloudFormation delete what it named before. `id`: of
 * a resource that is called the same whether it was made or not.
 */
export function toFailure(request: CustomResourceRequest, error: unknown, id?: string): ResourceOutcome {
  const reason = hideSecrets(`${codeOf(error)}: ${error instanceof Error ? error.message : "unknown"}`);
  const physicalId = request.PhysicalResourceId ?? id ?? `${NEVER_MADE}${request.LogicalResourceId}`;
  return {
    status: "FAILED",
    reason,
    physicalId,
    data: { Message: toReason(reason, "SUCCESS").slice(0, MAX_MESSAGE).toWellFormed() },
  };
}

/** True for an id that a failed creation was answered with. */
export function wasNeverMade({ PhysicalResourceId }: CustomResourceRequest): boolean {
  return PhysicalResourceId?.startsWith(NEVER_MADE) ?? false;
}

function codeOf(error: unknown): string {
  if (isStackyardError(error)) return error.code;
  const code: unknown = error instanceof Error && "refusal" in error ? error.refusal : undefined;
  return typeof code === "string" ? code : "INTERNAL";
}

/** One request, and when the invocation ends. */
export interface ResourceCall {
  readonly request: CustomResourceRequest;
  readonly deadlineAt: number;
}

/** What serving one request needs. */
export interface ResourceDeps extends ConsumerResourcesOptions {
  readonly logger: Logger;
}
