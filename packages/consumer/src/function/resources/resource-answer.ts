import type { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import type { S3Client } from "@aws-sdk/client-s3";
import type { SFNClient } from "@aws-sdk/client-sfn";
import type { SNSClient } from "@aws-sdk/client-sns";
import { type CustomResourceRequest, cutReason, NEVER_MADE, toReason } from "@stackyard/aws/custom-resource";
import { type Clock, isStackyardError, keepStart, type Logger, StackyardError } from "@stackyard/core";
import type { Capabilities } from "../../messages.ts";
import { hideSecrets } from "../json-logger.ts";

/** Configuration and dependencies of the custom resources. A type without its part is answered as failed. */
export interface ConsumerResourcesOptions {
  /** The consumer's own account. */
  readonly account: string;
  readonly region: string;
  /** Sends the response; the global `fetch` fits. */
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  /** Default: none. */
  readonly logger?: Logger;
  /** Address of an AWS emulator, which may receive responses too. Default: none. */
  readonly emulator?: string;
  /**
   * Returns the options of `Custom::InitialSetTrigger`. An error that it throws, such as `CONFIG_INVALID`, is reported
   * to CloudFormation.
   */
  readonly initialSet?: () => InitialSetOptions;
  /** Returns the client of `Custom::AdoptedBucket`. */
  readonly bucket?: () => { readonly s3: S3Client };
}

/** The options of starting the initial set. */
export interface InitialSetOptions {
  readonly machineArn: string;
  /** In the machine's region, with a session of the role that may start it. */
  readonly states: SFNClient;
  /** The consumer's. */
  readonly bucket: string;
  readonly capabilities: Capabilities;
  /** In the topic's region, with the function's own role. Default: the subscription is the stack's alone. */
  readonly sns?: SNSClient;
  /** Where the consumer is registered; `client` is in the region of the bus. Default: nowhere. */
  readonly receipts?: { readonly client: EventBridgeClient; readonly bus: string };
}

/** The outcome of a request. */
export interface ResourceOutcome {
  readonly status: "SUCCESS" | "FAILED";
  readonly reason: string;
  readonly physicalId: string;
  readonly data: Readonly<Record<string, string>>;
}

/** The least length of the reason in a response. */
const LEAST_REASON = 200;
const MAX_MESSAGE = 300;

/** Creates a failure with its own code in the reason, such as `BUCKET_FOREIGN`. */
export function refusal(code: string, text: string): Error {
  return Object.assign(new Error(text), { refusal: code });
}

/** Returns the error for a resource type that the function does not support. */
export function servesNone(): StackyardError {
  return new StackyardError("CONFIG_INVALID", "This function does not support the resource type.");
}

/**
 * Creates the response to CloudFormation (user guide, "Custom resource response objects") of at most 4,096 bytes. Ids and data are
 * bounded elsewhere, so the reason is truncated.
 */
export function toAnswer(
  { StackId, RequestId, LogicalResourceId }: CustomResourceRequest,
  { status, reason, physicalId, data }: ResourceOutcome,
) {
  const ids = { PhysicalResourceId: physicalId, StackId, RequestId, LogicalResourceId };
  const answer = { Status: status, Reason: toReason(hideSecrets(reason), status), ...ids, Data: data };
  return cutReason(answer, LEAST_REASON);
}

/**
 * Converts an error into a failed outcome. The physical id stays the same: with another one CloudFormation would delete the
 * existing resource. `id`: the constant id of the resource, if it has one.
 */
export function toFailure(request: CustomResourceRequest, error: unknown, id?: string): ResourceOutcome {
  const reason = hideSecrets(`${codeOf(error)}: ${error instanceof Error ? error.message : "unknown"}`);
  const physicalId = request.PhysicalResourceId ?? id ?? `${NEVER_MADE}${request.LogicalResourceId}`;
  const Message = keepStart(toReason(reason, "SUCCESS"), MAX_MESSAGE);
  return { status: "FAILED", reason, physicalId, data: { Message } };
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

/** Dependencies of a request handler. */
export interface ResourceDeps extends ConsumerResourcesOptions {
  readonly logger: Logger;
}
