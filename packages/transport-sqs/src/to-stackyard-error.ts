import { type ErrorCode, isStackyardError, StackyardError } from "@stackyard/core";

/**
 * Converts an error of an AWS call to a Stackyard error with the attempted action. Transient errors are retryable:
 * `UNREACHABLE` and `RATE_LIMITED`. Names of errors:
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
 */
export function toStackyardError(error: unknown, what: string): StackyardError {
  if (isStackyardError(error)) return error;
  const name = error instanceof Error ? error.name : "";
  const text = error instanceof Error ? error.message : String(error);
  const [code, advice] = judge(name, error);
  const details = code === "CONFIG_INVALID" && AT_FAULT.test(name) ? MESSAGE_REFUSED : {};
  return new StackyardError(code, `${what} failed with ${name || "an error"}: ${text}${advice}`, {
    cause: error,
    details,
  });
}

/** Makes a call of AWS. Throws its errors as `StackyardError`s; `what` describes the call. */
export async function callAws<Result>(what: string, send: () => Promise<Result>): Promise<Result> {
  try {
    return await send();
  } catch (error) {
    throw toStackyardError(error, what);
  }
}

/** The details of an error that is one message's fault; others may go to the same place. */
export const MESSAGE_REFUSED = { refused: "message" } as const;

/** Returns true when a message is at fault, and would be refused each time, whatever the role and configuration. */
export function isMessageRefused(error: unknown): error is StackyardError {
  if (!isStackyardError(error)) return false;
  return error.code === "PAYLOAD_TOO_LARGE" || error.details["refused"] === MESSAGE_REFUSED.refused;
}

type Judgement = readonly [ErrorCode, string];

function judge(name: string, error: unknown): Judgement {
  if (DENIED.test(name)) return ["FORBIDDEN", " Allow the call in the role's policy; the package's README lists it."];
  if (ABSENT.test(name)) return ["CONFIG_INVALID", " Check the address and the region."];
  if (TOO_LARGE.test(name)) return ["PAYLOAD_TOO_LARGE", ""];
  if (SLOW_DOWN.test(name)) return ["RATE_LIMITED", ""];
  const status = statusOf(error);
  if (status === 429) return ["RATE_LIMITED", ""];
  return status >= 400 && status < 500 ? ["CONFIG_INVALID", ""] : ["UNREACHABLE", ""];
}

// With the JSON protocol SQS names errors shortly, older endpoints write `AWS.SimpleQueueService.` before them.
const DENIED =
  /AccessDenied|AuthorizationError|UnrecognizedClient|InvalidClientTokenId|ExpiredToken|KmsAccessDenied|Forbidden$/;
const ABSENT = /NonExistentQueue|QueueDoesNotExist|NotFound(Exception)?$|NoSuchBucket|NoSuchKey|InvalidAddress/;
const TOO_LARGE = /BatchRequestTooLong|EntityTooLarge/;
const AT_FAULT = /InvalidMessageContents|InvalidParameterValue|InvalidAttributeValue|NoSuchKey/;
const SLOW_DOWN = /Throttl|TooManyRequests|OverLimit|SlowDown|RequestLimitExceeded/;

function statusOf(error: unknown): number {
  const status: unknown = Object(Object(error).$metadata).httpStatusCode;
  return typeof status === "number" ? status : 0;
}
