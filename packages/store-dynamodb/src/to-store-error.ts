import { isStackyardError, StackyardError } from "@stackyard/core";

const CONDITION = "ConditionalCheckFailedException";
const MISSING = "ResourceNotFoundException";
const TOO_LARGE = /item size/i;

/** What helps against errors by name; those of one line may pass by themselves. */
const ADVICE: Readonly<Record<string, string>> = {
  [MISSING]: "A table or an index is not there: see the README for those that are needed.",
  AccessDeniedException: "Grant the role the statement of the README.",
  UnrecognizedClientException: "The credentials are not valid here.",
  ExpiredTokenException: "The credentials are over.",
  InvalidSignatureException: "The secret key is wrong, or the clock of this machine is off by more than five minutes.",
  CredentialsProviderError: "No credentials were found.",
  ProvisionedThroughputExceededException: "The table's capacity is used up: use on-demand billing, or provision more.",
  ThrottlingException: "Too many calls at once: it tries again.",
  RequestLimitExceeded: "The account's throughput is used up: ask AWS for a higher quota.",
};

/** True when a conditional write found something else than it expected. */
export function isConditionFailure(error: unknown): boolean {
  return error instanceof Error && error.name === CONDITION;
}

/** True when the table or the index that was named is not there. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && error.name === MISSING;
}

/**
 * An error of the SDK as one of ours, with the SDK's as its cause. Errors of ours and faults of the code stay. Names:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
 */
export function toStoreError(error: unknown): unknown {
  if (isStackyardError(error) || !(error instanceof Error)) return error;
  if (error.name === "ValidationException" && TOO_LARGE.test(error.message)) {
    const message = `DynamoDB takes at most 400 KB in one item: ${error.message}.`;
    return new StackyardError("PAYLOAD_TOO_LARGE", message, { cause: error });
  }
  if (!isFromOutside(error)) return error;
  const text = `DynamoDB says: ${error.message || error.name} (${error.name}). ${ADVICE[error.name] ?? ""}`.trim();
  return new StackyardError("STORE_UNAVAILABLE", text, { cause: error });
}

// The service's errors have metadata; those of sockets and name look-ups a code; the SDK's own are known by name.
function isFromOutside(error: Error): boolean {
  if (error.name === "ValidationException") return false;
  return "$metadata" in error || "code" in error || error.name === "TimeoutError" || ADVICE[error.name] !== undefined;
}
