import type { InvokeCommandOutput, LambdaClient } from "@aws-sdk/client-lambda";
import { isStackyardError, StackyardError } from "@stackyard/core";
import { toArtifactError } from "../artifact-error.ts";
import type { CallDistributor, DistributorRequest } from "../distributor-request.ts";
import { toSdkError } from "../to-sdk-error.ts";
import { parseReply } from "./distributor-answers.ts";

/** A distributor that is a function of Lambda. */
interface LambdaCallOptions {
  readonly client: LambdaClient;
  /** Name or ARN. */
  readonly functionName: string;
  readonly signal?: AbortSignal;
  /** How long an answer is waited for, in milliseconds. Default: two minutes. */
  readonly timeoutMs?: number;
}

/** Requests are answered within seconds; by then the connection is lost, or the function hangs. */
const TIMEOUT_MS = 120_000;

/**
 * Asks a distributor by invoking its function. Throws the distributor's refusals by their code, `RATE_LIMITED`, `FORBIDDEN`,
 * `CONFIG_INVALID` where there is no such function, `SERVER_ERROR` where it failed, `UNREACHABLE` (also where it does not answer
 * in time), `INTERRUPTED`.
 */
export function createLambdaCall(options: LambdaCallOptions): CallDistributor {
  const { functionName, timeoutMs = TIMEOUT_MS } = options;
  return async (request, { signal } = {}) => {
    const late = AbortSignal.timeout(timeoutMs);
    const signals = [options.signal, signal, late].filter((each) => each !== undefined);
    const invoked = invoke({ ...options, signal: AbortSignal.any(signals) }, request).catch((error: unknown) => {
      const wasStopped = options.signal?.aborted === true || signal?.aborted === true;
      throw late.aborted && !wasStopped ? toSilent(functionName, timeoutMs, error) : error;
    });
    return parseReply(request.op, await invoked);
  };
}

async function invoke(
  {
    client,
    functionName,
    signal,
  }: Pick<LambdaCallOptions, "client" | "functionName"> & { readonly signal: AbortSignal },
  request: DistributorRequest,
): Promise<unknown> {
  const { InvokeCommand } = await import("@aws-sdk/client-lambda");
  const command = new InvokeCommand({ FunctionName: functionName, Payload: Buffer.from(JSON.stringify(request)) });
  const output = await client.send(command, { abortSignal: signal }).catch((error: unknown) => {
    throw toInvokeError(error, functionName);
  });
  const value = parsePayload(output);
  if (output.FunctionError === undefined) return value;
  const { errorType = "Error", errorMessage = "" } = toFailure(value);
  const message = `The distributor "${functionName}" failed: ${errorType}: ${errorMessage}`.slice(0, 1_000);
  throw toArtifactError("SERVER_ERROR", message, { hint: "Its log says more. The request may be repeated." });
}

function toSilent(functionName: string, timeoutMs: number, cause: unknown): StackyardError {
  const hint = "Its log says whether the request came. It may be repeated.";
  const message = `The distributor "${functionName}" has not answered for ${timeoutMs / 1_000} s.`;
  return new StackyardError("UNREACHABLE", message, { cause, details: { hint } });
}

function toInvokeError(error: unknown, functionName: string): StackyardError {
  const made = toSdkError(error, `The distributor "${functionName}" could not be asked.`);
  const hint = isStackyardError(error) ? undefined : HINTS[made.code];
  if (hint === undefined) return made;
  return new StackyardError(made.code, made.message, { cause: error, details: { ...made.details, hint } });
}

const HINTS: Readonly<Record<string, string>> = {
  CONFIG_INVALID: "Check the function's name or ARN, its account and its region.",
  FORBIDDEN: "Allow lambda:InvokeFunction on it to the role that was used.",
  UNAUTHENTICATED: "Give valid credentials, and look at the machine's clock.",
  RATE_LIMITED: "Wait a little and try again.",
  UNREACHABLE: "Check the region and the network.",
};

function parsePayload({ Payload }: InvokeCommandOutput): unknown {
  try {
    return JSON.parse(Buffer.from(Payload ?? []).toString("utf8"));
  } catch {
    return undefined;
  }
}

/** How Lambda tells an error that a function threw (Lambda developer guide, "Node.js function errors"). */
function toFailure(value: unknown): { readonly errorType?: string; readonly errorMessage?: string } {
  if (typeof value !== "object" || value === null) return {};
  const [errorType, errorMessage] = [Reflect.get(value, "errorType"), Reflect.get(value, "errorMessage")];
  return {
    ...(typeof errorType === "string" ? { errorType } : {}),
    ...(typeof errorMessage === "string" ? { errorMessage } : {}),
  };
}
