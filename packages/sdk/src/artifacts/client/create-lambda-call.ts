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
}

/**
 * Asks a distributor by invoking its function. Throws the distributor's refusals by their code, `RATE_LIMITED`, `FORBIDDEN`,
 * `CONFIG_INVALID` where there is no such function, `SERVER_ERROR` where it failed, `UNREACHABLE`, `INTERRUPTED`.
 */
export function createLambdaCall(options: LambdaCallOptions): CallDistributor {
  return async (request, { signal } = {}) => {
    const signals = [options.signal, signal].filter((each) => each !== undefined);
    return parseReply(request.op, await invoke({ ...options, signal: AbortSignal.any(signals) }, request));
  };
}

async function invoke(
  { client, functionName, signal }: Required<LambdaCallOptions>,
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
