import { cutText, type ErrorCode, isStackyardError, StackyardError } from "@stackyard/core";

/**
 * The remedy for an error of AWS. `retryable`: the same call may succeed later. `caller`: the request, or what
 * it names, must change. `fatal`: credentials, permissions or the account must change first.
 */
export type AwsFaultKind = "retryable" | "caller" | "fatal";

/** An error of the SDK, judged. */
export interface AwsFault {
  readonly kind: AwsFaultKind;
  /** AWS's name, such as `ThrottlingException`; undefined if the request never reached AWS. */
  readonly name: string | undefined;
  /** True if the service throttled the call. */
  readonly throttled: boolean;
  readonly code: ErrorCode;
}

type Row = readonly [kind: AwsFaultKind, code: ErrorCode, names: string];

/**
 * Error names over the services that we call ("Common errors" of each service's API reference, and S3's "Error
 * responses"). The SDK's own lists of throttling and transient names are part of it.
 */
const NAMES: readonly Row[] = [
  [
    "retryable",
    "RATE_LIMITED",
    `BandwidthLimitExceeded EC2ThrottledException PriorRequestNotComplete ProvisionedThroughputExceededException
     RequestLimitExceeded RequestThrottled RequestThrottledException SlowDown ThrottledException Throttling
     ThrottlingException TooManyRequestsException TransactionInProgressException`,
  ],
  [
    "retryable",
    "UNREACHABLE",
    `InternalError InternalFailure InternalServerError InternalServiceError InternalServiceException RequestTimeout
     RequestTimeoutException ServiceException ServiceUnavailable ServiceUnavailableException TimeoutError Unavailable`,
  ],
  ["retryable", "RECORD_CONFLICT", "ConditionalRequestConflict ConflictException OperationAborted"],
  ["caller", "RECORD_CONFLICT", "ConditionalCheckFailedException PreconditionFailed"],
  [
    "caller",
    "NOT_FOUND",
    "NoSuchBucket NoSuchEntity NoSuchKey NoSuchUpload NoSuchVersion NotFound ResourceNotFoundException",
  ],
  [
    "caller",
    "PAYLOAD_TOO_LARGE",
    "EntityTooLarge PackedPolicyTooLarge PackedPolicyTooLargeException RequestEntityTooLargeException RequestTooLargeException",
  ],
  [
    "fatal",
    "UNAUTHENTICATED",
    `AuthFailure CredentialsProviderError ExpiredToken ExpiredTokenException IncompleteSignature InvalidAccessKeyId
     InvalidClientTokenId InvalidIdentityToken InvalidSignatureException InvalidToken MissingAuthenticationToken
     MissingAuthenticationTokenException RequestExpired RequestTimeTooSkewed SignatureDoesNotMatch TokenProviderError
     TokenRefreshRequired UnrecognizedClientException`,
  ],
  [
    "fatal",
    "FORBIDDEN",
    `AccessDenied AccessDeniedException AccountProblem AllAccessDisabled NotSignedUp OptInRequired RegionDisabledException
     SubscriptionRequiredException UnauthorizedAccess UnauthorizedOperation`,
  ],
];

const BY_NAME: ReadonlyMap<string, Row> = new Map(
  NAMES.flatMap((row) => row[2].split(/\s+/).map((name): [string, Row] => [name, row])),
);

const NETWORK =
  /^(ECONNRESET|ECONNREFUSED|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ERR_HTTP2_STREAM_ERROR|CERT_.*|UND_ERR_.*)$/;

/**
 * A service that was throttled by another one reports that as an error about the request: ECS and Lambda about EC2,
 * Auto Scaling about a launch template. Only the text shows it (ECS API, RunTask; Lambda API, InvalidParameterValueException).
 */
const THROTTLE_TEXT = /\bthrottl(ed|ing)|\brate exceeded\b|\brequest ?limit ?exceeded\b/i;

/** Returns true if a service says that it, or a service that it calls, was throttled. */
export function isThrottleText(text: string): boolean {
  return THROTTLE_TEXT.test(text);
}

/** Judges an error that a call of an SDK client ended with. */
export function findAwsFault(error: unknown): AwsFault {
  if (isStackyardError(error)) {
    const kind = error.retryable ? "retryable" : "caller";
    return { kind, name: undefined, throttled: error.code === "RATE_LIMITED", code: error.code };
  }
  const { name, status, code, throttling, message } = toFacts(error);
  if (name === "AbortError") return { kind: "fatal", name, throttled: false, code: "INTERRUPTED" };
  const known = BY_NAME.get(name ?? "");
  const isWrapped = known === undefined && status === 400 && isThrottleText(message);
  const row = throttling || status === 429 || isWrapped ? NAMES[0] : known;
  if (row !== undefined) return { kind: row[0], name, throttled: row[1] === "RATE_LIMITED", code: row[1] };
  if (NETWORK.test(code ?? "")) return { kind: "retryable", name: undefined, throttled: false, code: "UNREACHABLE" };
  if (message.includes("Region is missing")) {
    return { kind: "fatal", name, throttled: false, code: "CONFIG_INVALID" };
  }
  return { name, throttled: false, ...toFaultOfStatus(status) };
}

/**
 * Classifies unknown names by status. Without one the request was not answered, and it is unknown whether it was
 * processed.
 */
function toFaultOfStatus(status: number | undefined): Pick<AwsFault, "kind" | "code"> {
  if (status === undefined) return { kind: "fatal", code: "INTERNAL" };
  if (status >= 500) return { kind: "retryable", code: "SERVER_ERROR" };
  if (status === 401) return { kind: "fatal", code: "UNAUTHENTICATED" };
  if (status === 403) return { kind: "fatal", code: "FORBIDDEN" };
  if (status === 404) return { kind: "caller", code: "NOT_FOUND" };
  if (status === 409 || status === 412) return { kind: "caller", code: "RECORD_CONFLICT" };
  return { kind: "caller", code: "CONFIG_INVALID" };
}

/**
 * Converts an error of the SDK to ours: `what` (a sentence), AWS's message, and the advice. Keeps the cause. Returns
 * our own errors unchanged.
 */
export function toAwsError(error: unknown, what: string, advice = ""): StackyardError {
  if (isStackyardError(error)) return error;
  const fault = findAwsFault(error);
  const { message } = toFacts(error);
  const said = cutText(redactText(`${fault.name === undefined ? "" : `${fault.name}: `}${message}`), 2_000);
  const text = [what, said.endsWith(".") ? said : `${said}.`, advice || ADVICE[fault.code]].filter(Boolean).join(" ");
  const details = { awsError: fault.name ?? null, kind: fault.kind, requestId: toRequestId(error) ?? null };
  return new StackyardError(fault.code, text, { cause: error, details });
}

const ADVICE: Partial<Record<ErrorCode, string>> = {
  RATE_LIMITED: "Try again later with fewer simultaneous calls.",
  UNREACHABLE: "Try again later; look at the network and at the service's health.",
  UNAUTHENTICATED: "Give the runner valid credentials, and check its clock.",
  FORBIDDEN: "Allow the call to the role that was used.",
};

interface Facts {
  readonly name: string | undefined;
  readonly message: string;
  readonly status: number | undefined;
  /** The code of Node's network errors, also where the SDK has wrapped them. */
  readonly code: string | undefined;
  readonly throttling: boolean;
}

function toFacts(error: unknown): Facts {
  if (!(error instanceof Error)) {
    return { name: undefined, message: String(error), status: undefined, code: undefined, throttling: false };
  }
  return {
    name: error.name === "Error" || error.name === "TypeError" ? undefined : error.name,
    message: error.message,
    status: toNumber(read(read(error, "$metadata"), "httpStatusCode")),
    code: toText(read(error, "code")) ?? toText(read(error.cause, "code")),
    throttling: read(read(error, "$retryable"), "throttling") === true,
  };
}

function toRequestId(error: unknown): string | undefined {
  return toText(read(read(error, "$metadata"), "requestId"));
}

function read(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}

function toText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function toNumber(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

const HIDDEN = "[redacted]";

// A presigned URL is a bearer's right: who has the query has the object (S3 guide, "Sharing objects with presigned URLs").
const PRESIGNED = /(\bhttps?:\/\/[^\s"'<>?]{1,2000})\?[^\s"'<>]{0,8000}?(?:X-Amz-Signature|[?&]Signature)=[^\s"'<>]*/gi;
const PARAMETER = /\b(X-Amz-(?:Signature|Security-Token|Credential))(=|%3D|:\s?)[^\s&"'<>,;]+/gi;
const AUTHORIZATION = /\bAWS4-HMAC-SHA256\s+Credential=[^\n"]*/gi;
const PASSWORD_IN_URL = /(\b[a-z][a-z0-9+.-]{1,30}:\/\/[^\s:/@"']{0,200}):[^\s@/"']{1,500}@/gi;
const NAMED =
  /(["']?\b(?:aws_?)?(?:secret_?access_?key|session_?token|password|passwd|client_?secret|api_?key)["']?\s{0,3}[:=]\s{0,3})("(?:[^"\\]|\\.)*"|'[^']*'|[^\s,;&}"']+)/gi;

/**
 * Redacts a text for logs and output: signatures of presigned URLs, signed headers, passwords in addresses, and values
 * under names such as `password` and `SecretAccessKey`. A secret without a recognizable form (a bare password) remains:
 * known secrets must not be put into texts.
 */
export function redactText(text: string): string {
  return text
    .replace(PRESIGNED, `$1?${HIDDEN}`)
    .replace(PARAMETER, `$1$2${HIDDEN}`)
    .replace(AUTHORIZATION, `AWS4-HMAC-SHA256 ${HIDDEN}`)
    .replace(PASSWORD_IN_URL, `$1:${HIDDEN}@`)
    .replace(NAMED, (_, name: string, value: string) => name + (value.startsWith('"') ? `"${HIDDEN}"` : HIDDEN));
}
