import { type ErrorCode, isStackyardError, StackyardError } from "@stackyard/core";

/** Names of S3 and Lambda ("Error responses" and "Common errors" of their API references), and of Node's network errors. */
const CODES: readonly (readonly [RegExp, ErrorCode])[] = [
  [/^AbortError$/, "INTERRUPTED"],
  [/Throttl|SlowDown|TooManyRequests|RequestLimitExceeded/, "RATE_LIMITED"],
  [/^(AccessDenied|AccessDeniedException|Forbidden|403|AllAccessDisabled)$/, "FORBIDDEN"],
  [
    /Credentials|ExpiredToken|InvalidAccessKeyId|SignatureDoesNotMatch|UnrecognizedClient|TokenRefresh|InvalidSignature|RequestTimeTooSkewed/,
    "UNAUTHENTICATED",
  ],
  [
    /^(NoSuchBucket|InvalidBucketName|PermanentRedirect|ResourceNotFoundException|ValidationException)$/,
    "CONFIG_INVALID",
  ],
  [/^(NoSuchKey|NotFound|NoSuchUpload|NoSuchVersion)$/, "NOT_FOUND"],
  [/^(EntityTooLarge|RequestTooLargeException)$/, "PAYLOAD_TOO_LARGE"],
  [/^(PreconditionFailed|ConditionalRequestConflict|OperationAborted)$/, "RECORD_CONFLICT"],
  [/^(InternalError|ServiceException|InternalFailure)$/, "SERVER_ERROR"],
];

/** An error of an SDK client as one of ours: `what` (a sentence), what AWS said, and the cause. Errors of ours stay as they are. */
export function toSdkError(error: unknown, what: string): StackyardError {
  if (isStackyardError(error)) return error;
  const name = nameOf(error);
  const text = error instanceof Error ? error.message : String(error);
  const said = `${name === "" ? "" : `${name}: `}${text}`.slice(0, 1_000);
  const details = { awsError: name === "" ? null : name };
  return new StackyardError(codeOf(error, name), `${what} ${/[.!?]$/.test(said) ? said : `${said}.`}`, {
    cause: error,
    details,
  });
}

/** The HTTP status that AWS answered with. */
export function statusOf(error: unknown): number | undefined {
  const metadata = read(error, "$metadata");
  const status = read(metadata, "httpStatusCode");
  return typeof status === "number" ? status : undefined;
}

function codeOf(error: unknown, name: string): ErrorCode {
  const known = CODES.find(([pattern]) => pattern.test(name))?.[1];
  if (known !== undefined) return known;
  const status = statusOf(error);
  if (status === undefined) return "UNREACHABLE";
  if (status === 403) return "FORBIDDEN";
  return status >= 500 ? "SERVER_ERROR" : "CONFIG_INVALID";
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  return error.name === "Error" || error.name === "TypeError" ? "" : error.name;
}

function read(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}
