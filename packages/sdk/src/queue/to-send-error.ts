import { type ErrorCode, isStackyardError, StackyardError } from "@stackyard/core";

/** An error of an SDK client as one of ours. */
export function toSendError(error: unknown, target: string): StackyardError {
  if (isStackyardError(error)) return error;
  const name = error instanceof Error ? error.name : "";
  const text = error instanceof Error ? error.message : String(error);
  return new StackyardError(codeOf(name), `Publishing to ${target} failed with ${name || "an error"}: ${text}`, {
    cause: error,
  });
}

function codeOf(name: string): ErrorCode {
  return CODES.find(([pattern]) => pattern.test(name))?.[1] ?? "UNREACHABLE";
}

// Names of both services, short and as older endpoints write them:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
// https://docs.aws.amazon.com/sns/latest/api/CommonErrors.html
const CODES: readonly (readonly [RegExp, ErrorCode])[] = [
  [/AccessDenied|AuthorizationError|UnrecognizedClient|InvalidClientTokenId|ExpiredToken/, "FORBIDDEN"],
  [
    /CredentialsProvider|InvalidParameter|InvalidAddress|NonExistentQueue|QueueDoesNotExist|^NotFound/,
    "CONFIG_INVALID",
  ],
  [/BatchRequestTooLong/, "PAYLOAD_TOO_LARGE"],
  [/Throttl|TooManyRequests|OverLimit|RequestLimitExceeded/, "RATE_LIMITED"],
];
