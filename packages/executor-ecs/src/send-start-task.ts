import { StartTaskCommand, type StartTaskCommandInput, type StartTaskCommandOutput } from "@aws-sdk/client-ecs";
import { findAwsFault } from "@stackyard/aws";
import type { EcsDeps } from "./task-order.ts";

/** StartTask's answer; `unknown`: it may have started tasks or not. */
export type StartTaskAnswer =
  | { readonly kind: "answered"; readonly output: StartTaskCommandOutput }
  | { readonly kind: "unknown"; readonly error: unknown };

/**
 * Sends StartTask so that it is carried out at most once. The SDK repeats calls whose answer was lost, and StartTask knows
 * no client token; only what ECS has refused (throttling) is sent again. Throws what ECS refuses for good.
 */
export async function sendStartTask(
  { ecs }: Pick<EcsDeps, "ecs">,
  input: StartTaskCommandInput,
): Promise<StartTaskAnswer> {
  const command = new StartTaskCommand(input);
  let lost: unknown;
  command.middlewareStack.add(
    (next) => async (args) => {
      if (lost !== undefined) throw new Error("StartTask is not repeated: its first answer was lost.", { cause: lost });
      try {
        return await next(args);
      } catch (error) {
        if (isUnknown(error)) lost = error;
        throw error;
      }
    },
    // Behind the SDK's retries, so that each try passes here.
    { step: "finalizeRequest", priority: "low", name: "startTaskOnce" },
  );
  try {
    return { kind: "answered", output: await ecs.send(command) };
  } catch (error) {
    if (lost === undefined && !isUnknown(error)) throw error;
    return { kind: "unknown", error: lost ?? error };
  }
}

function isUnknown(error: unknown): boolean {
  const { kind, throttled } = findAwsFault(error);
  const isServers = error instanceof Error && error.name === "ServerException";
  return isServers || (kind === "retryable" && !throttled) || isUnanswered(error);
}

/** Neither judged by its name nor answered with a status: the connection ended. */
function isUnanswered(error: unknown): boolean {
  const { code, kind } = findAwsFault(error);
  return kind === "fatal" && code === "INTERNAL";
}
