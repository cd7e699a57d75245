import { InvocationType, InvokeCommand, LambdaClient, type LambdaClientConfig, LogType } from "@aws-sdk/client-lambda";
import { cutText, type ExecutorContext, type Failed, failed, keepEnd } from "@stackyard/core";
import type { FunctionAnswer, InvokeInput } from "./to-step.ts";

/**
 * Calls a deployed function once and waits for its response. Invoke has no idempotency token: a redelivered attempt
 * calls the function again. The end of `ctx.signal` ends the wait; a running function cannot be stopped.
 */
export async function invokeInAws(
  ctx: ExecutorContext,
  { name, payload }: InvokeInput,
): Promise<FunctionAnswer | Failed> {
  const lambda = ctx.aws(InvokeClient);
  const request = {
    FunctionName: name,
    InvocationType: InvocationType.RequestResponse,
    LogType: LogType.Tail,
    Payload: Buffer.from(payload),
  };
  try {
    const answer = await lambda.send(new InvokeCommand(request), { abortSignal: ctx.signal });
    for (const line of toLogLines(answer.LogResult)) ctx.report(line);
    const text = answer.Payload?.transformToString() ?? "";
    return answer.FunctionError ? { functionError: answer.FunctionError, payload: text } : { payload: text };
  } catch (error) {
    return ctx.signal.aborted ? toCancelled(name) : toCallFailure(name, error);
  }
}

function toCancelled(name: string): Failed {
  return failed({
    code: "LAMBDA_CANCELLED",
    message: `Stopped waiting for "${name}". Lambda cannot stop a function: it may run on until its end or its timeout.`,
    retryable: false,
  });
}

/**
 * The client configuration for a single call with a wait: no retry by the SDK, which cannot know whether the function
 * has run, and a socket timeout longer than any function runs (900 s). TCP keep-alive is the SDK's default. The
 * connection's own timeout applies before anything is sent.
 */
const lambdaClientConfig = {
  maxAttempts: 1,
  retryMode: "standard",
  requestHandler: {
    connectionTimeout: 10_000,
    socketTimeout: 930_000,
    // A call waits for a free socket as long as for a connection, so there must always be one.
    httpsAgent: { keepAlive: true, maxSockets: 1_000 },
  },
} as const satisfies LambdaClientConfig;

/**
 * The client of Invoke. `ctx.aws` creates it with the configuration of every client; settings that are unsafe for a
 * call are replaced here, so that no runner can forget it. A request handler of the runner is kept.
 */
export class InvokeClient extends LambdaClient {
  constructor(config: LambdaClientConfig) {
    const { retryStrategy: _, requestHandler, ...rest } = config;
    super({ ...rest, ...lambdaClientConfig, requestHandler: toRequestHandler(requestHandler) });
  }
}

type RequestHandler = NonNullable<LambdaClientConfig["requestHandler"]>;

function toRequestHandler(given: LambdaClientConfig["requestHandler"]): RequestHandler {
  if (given !== undefined && "handle" in given) return given;
  return { ...given, ...lambdaClientConfig.requestHandler };
}

interface Kind {
  readonly code: string;
  readonly retryable: boolean;
  readonly advice: string;
}

const throttled = { code: "LAMBDA_THROTTLED", retryable: true, advice: "Too many calls run at once; try again later." };
const denied = {
  code: "LAMBDA_ACCESS_DENIED",
  retryable: false,
  advice: "Allow lambda:InvokeFunction on the function and its aliases to the runner's role.",
};
const notFound = {
  code: "LAMBDA_NOT_FOUND",
  retryable: false,
  advice: "Check the name, the alias, the region and the account.",
};
const notReady = {
  code: "LAMBDA_NOT_READY",
  retryable: true,
  advice: "Wait until the function and its role are active.",
};
const tooLarge = { code: "LAMBDA_PAYLOAD_TOO_LARGE", retryable: false, advice: "Pass large values by S3 keys." };
const refused = { code: "LAMBDA_REQUEST_REFUSED", retryable: false, advice: "Check the task's config." };
const broken = { code: "LAMBDA_FUNCTION_BROKEN", retryable: false, advice: "Repair the function's configuration." };
const unavailable = {
  code: "LAMBDA_UNAVAILABLE",
  retryable: true,
  advice: "Lambda did not serve the call; try again.",
};
const notConfigured = {
  code: "LAMBDA_NOT_CONFIGURED",
  retryable: false,
  advice: "Give the runner a region and credentials, or serve the function from a local module.",
};
const lost = {
  code: "LAMBDA_ANSWER_LOST",
  retryable: false,
  advice: "The connection ended before the answer, so the function may still run. Look at its log before a retry.",
};

const gateway = {
  ...lost,
  advice: "A gateway or proxy has answered for Lambda, so the function may still run. Look at its log before a retry.",
};

/** Exceptions of the Invoke API by name (Invoke, "Errors"); others are classified by HTTP status. */
const KINDS: ReadonlyMap<string, Kind> = new Map([
  ...toEntries(throttled, ["TooManyRequestsException", "ThrottlingException", "EC2ThrottledException"]),
  ...toEntries(denied, ["AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException"]),
  ...toEntries(denied, ["ExpiredTokenException", "IncompleteSignatureException", "OptInRequired"]),
  ...toEntries(notConfigured, ["CredentialsProviderError", "TokenProviderError"]),
  ...toEntries(notFound, ["ResourceNotFoundException", "NoPublishedVersionException"]),
  ...toEntries(notReady, ["ResourceNotReadyException", "ResourceConflictException", "SnapStartNotReadyException"]),
  ...toEntries(notReady, ["CodeArtifactUserPendingException", "ENINotReadyException"]),
  ...toEntries(tooLarge, ["RequestTooLargeException", "RequestEntityTooLargeException"]),
  ...toEntries(tooLarge, ["SerializedRequestEntityTooLargeException"]),
  ...toEntries(refused, ["InvalidParameterValueException", "InvalidRequestContentException", "ValidationException"]),
  ...toEntries(refused, ["UnsupportedMediaTypeException", "ModeNotSupportedException"]),
  ...toEntries(refused, ["RecursiveInvocationException", "DurableExecutionAlreadyStartedException"]),
  ...toEntries(broken, ["InvalidRuntimeException", "InvalidZipFileException", "EC2AccessDeniedException"]),
  ...toEntries(broken, ["InvalidSecurityGroupIDException", "InvalidSubnetIDException", "EFSMountFailureException"]),
  ...toEntries(broken, ["KMSAccessDeniedException", "KMSDisabledException", "KMSInvalidStateException"]),
  ...toEntries(broken, ["KMSNotFoundException", "CodeArtifactUserDeletedException", "CodeArtifactUserFailedException"]),
  ...toEntries(broken, ["S3FilesMountFailureException", "SnapStartException"]),
  ...toEntries(unavailable, ["ServiceException", "EC2UnexpectedException", "ENILimitReachedException"]),
  ...toEntries(unavailable, [
    "SubnetIPAddressLimitReachedException",
    "EFSIOException",
    "ServiceQuotaExceededException",
  ]),
  ...toEntries(unavailable, ["EFSMountConnectivityException", "EFSMountTimeoutException", "SnapStartTimeoutException"]),
  ...toEntries(unavailable, ["S3FilesMountConnectivityException", "S3FilesMountTimeoutException"]),
  ...toEntries(unavailable, ["SnapStartRegenerationFailureException"]),
]);

/** Nothing reached Lambda: the address, the route or the connection was missing. */
const NEVER_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]);

/** Converts any error of the Invoke call to the failure of the attempt. */
export function toCallFailure(name: string, error: unknown): Failed {
  const kind = toKind(error);
  const { code, retryable, advice } = kind;
  const said = kind === gateway ? `Status ${findStatus(error)} without an error of Lambda.` : describe(error);
  return failed({ code, message: `The call of "${name}" failed. ${cutText(said, 2_000)}\n${advice}`, retryable });
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** The function's own role is seconds old, and Lambda may not assume it yet: aws/chalice#1342. */
const NEW_ROLE = /role defined for the function cannot be assumed/i;

function toKind(error: unknown): Kind {
  if (!(error instanceof Error)) return unavailable;
  if (NEW_ROLE.test(error.message)) return notReady;
  const status = findStatus(error);
  if ((status === 502 || status === 504) && !hasErrorType(error)) return KINDS.get(error.name) ?? gateway;
  return KINDS.get(error.name) ?? findKindByStatus(status) ?? toConnectionKind(error);
}

function findStatus(error: unknown): number | undefined {
  const status = read(read(error, "$metadata"), "httpStatusCode");
  return typeof status === "number" ? status : undefined;
}

/** Lambda names each of its errors in this header (Invoke API, "Errors"); what stands between does not. */
function hasErrorType(error: unknown): boolean {
  const headers = read(read(error, "$response"), "headers");
  return Object.keys(Object(headers)).some((name) => name.toLowerCase() === "x-amzn-errortype");
}

function read(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}

function findKindByStatus(status: number | undefined): Kind | undefined {
  if (status === undefined || status < 400) return undefined;
  if (status >= 500) return unavailable;
  return KINDS_BY_STATUS[status] ?? refused;
}

const KINDS_BY_STATUS: Readonly<Record<number, Kind>> = {
  401: denied,
  403: denied,
  404: notFound,
  409: notReady,
  413: tooLarge,
  429: throttled,
};

function toConnectionKind(error: Error): Kind {
  if (error.message.includes("Region is missing")) return notConfigured;
  const code = "code" in error ? String(error.code) : "";
  const connecting = "syscall" in error && error.syscall === "connect";
  const neverConnected = error.message.includes("did not establish a connection");
  return NEVER_SENT.has(code) || connecting || neverConnected ? unavailable : lost;
}

function toEntries(kind: Kind, names: readonly string[]): [string, Kind][] {
  return names.map((name) => [name, kind]);
}

/** Lambda sends the last 4 KB (Invoke API, LogResult); a proxy in between might not. */
const MAX_CHARS = 8_192;

/** Returns the lines of a call's LogResult, which is base64 of UTF-8 and may start within a character. Never throws. */
export function toLogLines(logResult: string | undefined): readonly string[] {
  if (logResult === undefined) return [];
  const text = keepEnd(Buffer.from(logResult, "base64").toString("utf8"), MAX_CHARS);
  return text
    .replace(/^\uFFFD+/, "")
    .split(/\r?\n/)
    .map((line) => line.trimEnd())
    .filter((line) => line !== "");
}
