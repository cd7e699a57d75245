import { cutText, type ErrorCode, isStackyardError, StackyardError } from "@stackyard/core";

/**
 * What an error means for the next act. `passing`: the same call may succeed later by itself. `refused`: not before the request,
 * a permission or the account has changed. `gone`: what the call names does not exist. `unknown`: AWS has not answered, or
 * not about this, so that nothing may be concluded.
 */
export type Answer = "passing" | "refused" | "gone" | "unknown";

/** An error of the SDK, judged. */
export interface AwsFault {
  readonly answer: Answer;
  /** AWS's name, such as `ThrottlingException`; undefined if the request never reached AWS. */
  readonly name: string | undefined;
  /** True if the service throttled the call. */
  readonly throttled: boolean;
  readonly code: ErrorCode;
}

type Row = readonly [answer: Answer, code: ErrorCode, names: string];

/**
 * Error names over the services that we call ("Common errors" of each service's API reference, and S3's "Error
 * responses"). The SDK's own lists of throttling and transient names are part of it.
 */
const NAMES: readonly Row[] = [
  [
    "passing",
    "RATE_LIMITED",
    `BandwidthLimitExceeded EC2ThrottledException KmsThrottled OverLimit PriorRequestNotComplete ProvisionedThroughputExceededException
     RequestLimitExceeded RequestThrottled RequestThrottledException SlowDown ThrottledException Throttling
     ThrottlingException TooManyRequestsException TransactionInProgressException`,
  ],
  [
    "passing",
    "UNREACHABLE",
    `InternalError InternalFailure InternalServerError InternalServiceError InternalServiceException RequestTimeout
     RequestTimeoutException ServerException ServiceException ServiceUnavailable ServiceUnavailableException TimeoutError Unavailable`,
  ],
  [
    "passing",
    "RECORD_CONFLICT",
    `ConditionalRequestConflict ConflictException OperationAborted ResourceContention ResourceContentionFault ResourceInUse
     ResourceInUseFault ScalingActivityInProgress ScalingActivityInProgressFault`,
  ],
  ["refused", "RECORD_CONFLICT", "ConditionalCheckFailedException PreconditionFailed"],
  [
    "gone",
    "NOT_FOUND",
    "InvalidAddress NoSuchBucket NoSuchEntity NoSuchKey NoSuchUpload NoSuchVersion NotFound ResourceNotFoundException",
  ],
  [
    "refused",
    "PAYLOAD_TOO_LARGE",
    `BatchRequestTooLong EntityTooLarge PackedPolicyTooLarge PackedPolicyTooLargeException RequestEntityTooLargeException
     RequestTooLargeException`,
  ],
  // SNS answers quotas of an account with 403, which no wait for a new role changes.
  [
    "refused",
    "CONFIG_INVALID",
    `FilterPolicyLimitExceeded FilterPolicyLimitExceededException SubscriptionLimitExceeded
     SubscriptionLimitExceededException TopicLimitExceeded TopicLimitExceededException`,
  ],
  [
    "refused",
    "UNAUTHENTICATED",
    `AuthFailure CredentialsProviderError ExpiredToken ExpiredTokenException IncompleteSignature InvalidAccessKeyId
     InvalidClientTokenId InvalidIdentityToken InvalidSignatureException InvalidToken MissingAuthenticationToken
     MissingAuthenticationTokenException RequestExpired RequestTimeTooSkewed SignatureDoesNotMatch TokenProviderError
     TokenRefreshRequired UnrecognizedClientException`,
  ],
  [
    "refused",
    "FORBIDDEN",
    `AccessDenied AccessDeniedException AccountProblem AllAccessDisabled AuthorizationError AuthorizationErrorException
     KmsAccessDenied NotSignedUp OptInRequired RegionDisabledException
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

/** Names of what is not there, over all services. */
const GONE_NAME = /^NoSuch|NotFound(?:Exception|Fault|Error)?$|DoesNotExist(?:Exception)?$|NonExistentQueue$/;
/** Auto Scaling, CloudFormation and ECS say only in the text that what a call names is not there. */
const GONE_TEXT = /not found|does not exist|doesn't exist|non-existing/i;
const TELLS_BY_TEXT = /^(?:ValidationError|InvalidParameterException)$/;

/** Older endpoints of SQS write it before names. */
const OLD_PREFIX = /^AWS\.SimpleQueueService\./;

/** Judges an error that a call of an SDK client ended with. */
export function findAwsFault(error: unknown): AwsFault {
  if (isStackyardError(error)) {
    const answer = error.retryable ? "passing" : error.code === "NOT_FOUND" ? "gone" : "refused";
    return { answer, name: undefined, throttled: error.code === "RATE_LIMITED", code: error.code };
  }
  const facts = toFacts(error);
  const { name } = facts;
  const row = findRow(facts);
  if (row !== undefined) return { answer: row[0], name, throttled: row[1] === "RATE_LIMITED", code: row[1] };
  return { name, throttled: false, ...judgeUnknown(facts) };
}

/** Finds the row of a name, or that of throttling, which some services say otherwise. */
function findRow({ name, status, throttling, message }: Facts): Row | undefined {
  if (name === "AbortError") return undefined;
  const known = BY_NAME.get(name?.replace(OLD_PREFIX, "") ?? "");
  const isWrapped = known === undefined && status === 400 && isThrottleText(message);
  return throttling || status === 429 || isWrapped ? NAMES[0] : known;
}

/** Judges an error whose name is in no row. */
function judgeUnknown(facts: Facts): Pick<AwsFault, "answer" | "code"> & { readonly name?: undefined } {
  const { name, status, code = "", message } = facts;
  if (name === "AbortError") return { answer: "unknown", code: "INTERRUPTED" };
  if (NETWORK.test(code)) return { answer: "passing", name: undefined, code: "UNREACHABLE" };
  if (message.includes("Region is missing")) return { answer: "refused", code: "CONFIG_INVALID" };
  const { answer, ...fault } = toFaultOfStatus(status);
  return { ...fault, answer: saysGone(facts) ? "gone" : answer };
}

function saysGone({ name = "", status = 400, message }: Pick<Facts, "name" | "status" | "message">): boolean {
  if (status !== 400 && status !== 404) return false;
  return GONE_NAME.test(name) || (TELLS_BY_TEXT.test(name) && GONE_TEXT.test(message));
}

/**
 * What a caller knows about its own calls besides: our codes, or names of AWS, whose refusal passes by itself there, such as
 * `UNAUTHENTICATED` where the next call renews the credentials.
 */
export interface AnswerPolicy {
  readonly passing?: readonly string[];
}

/** Returns what an error of a call means for the next act. */
export function toAnswer(error: unknown, { passing = [] }: AnswerPolicy = {}): Answer {
  const { answer, code, name = code } = findAwsFault(error);
  return passing.includes(code) || passing.includes(name) ? "passing" : answer;
}

/**
 * Classifies unknown names by status. Without one the request was not answered, and it is unknown whether it was
 * processed.
 */
function toFaultOfStatus(status: number | undefined): Pick<AwsFault, "answer" | "code"> {
  if (status === undefined) return { answer: "unknown", code: "INTERNAL" };
  if (status >= 500) return { answer: "passing", code: "SERVER_ERROR" };
  if (status === 401) return { answer: "refused", code: "UNAUTHENTICATED" };
  if (status === 403) return { answer: "refused", code: "FORBIDDEN" };
  if (status === 404) return { answer: "gone", code: "NOT_FOUND" };
  if (status === 409 || status === 412) return { answer: "refused", code: "RECORD_CONFLICT" };
  return { answer: "refused", code: "CONFIG_INVALID" };
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
  const details = { awsError: fault.name ?? null, answer: fault.answer, requestId: toRequestId(error) ?? null };
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
