import { toArnPart } from "@stackyard/aws";
import { isStackyardError, StackyardError } from "@stackyard/core";
import { VARIABLE_FORMS } from "@stackyard/core/environment";
import type { CallDistributor } from "@stackyard/sdk/artifacts";
import type { ArtifactsClient } from "@stackyard/server";
import { failWith } from "../failure.ts";
import type { ConfigFile } from "../project/config.ts";
import type { AwsDeps } from "../project/secrets.ts";
import { readVariables } from "../variables.ts";

const FUNCTION = new RegExp(VARIABLE_FORMS.function.pattern);

/** Below the time limit of the server's requests. */
const ANSWER_MS = 25_000;

/**
 * Returns the distributor of the environment or the configuration; undefined when neither names one. Loads nothing
 * before its first request. Throws `CONFIG_INVALID`.
 */
export function findArtifacts({ config }: ConfigFile, { env, createAws }: AwsDeps): ArtifactsClient | undefined {
  const functionName = readVariables(env).STACKYARD_DISTRIBUTOR ?? config.distributor;
  if (functionName === undefined) return undefined;
  if (!FUNCTION.test(functionName)) {
    throw failWith("CONFIG_INVALID", `"${functionName}" is not the name or ARN of a function.`, {
      hint: "Correct STACKYARD_DISTRIBUTOR, or `distributor` in the configuration.",
    });
  }
  let opened: Promise<CallDistributor> | undefined;
  const call: CallDistributor = async (request) => {
    opened ??= openDistributor(functionName, createAws);
    return (await opened)(request).catch((error: unknown) => {
      throw toOwnFault(error);
    });
  };
  return {
    coverage: (query) => call({ op: "coverage", ...query }),
    consumers: (query) => call({ op: "consumers", ...query }),
    refresh: (query) => call({ op: "refresh", ...query }),
    replay: (query) => call({ op: "replay", ...query }),
  };
}

async function openDistributor(functionName: string, createAws: AwsDeps["createAws"]): Promise<CallDistributor> {
  const { LambdaClient } = await import("@aws-sdk/client-lambda");
  const { createLambdaCall } = await import("@stackyard/sdk/artifacts");
  const client = createAws(toArnPart(functionName, 3) || undefined).client(LambdaClient, undefined);
  return createLambdaCall({ client, functionName, timeoutMs: ANSWER_MS });
}

/** Turns AWS's refusal of the server into `CONFIG_INVALID`: the caller's login and permissions are valid. */
function toOwnFault(error: unknown): unknown {
  if (!isStackyardError(error, "UNAUTHENTICATED") && !isStackyardError(error, "FORBIDDEN")) return error;
  return new StackyardError("CONFIG_INVALID", error.message, { cause: error, details: error.details });
}
