import { StopTaskCommand } from "@aws-sdk/client-ecs";
import type { TasksInput } from "./describe-tasks.ts";
import type { EcsDeps } from "./task-order.ts";

/** Which tasks were told to stop, and which were gone already. */
export interface StoppedTasks {
  readonly stopped: readonly string[];
  readonly gone: readonly string[];
}

/** StopTask API, `reason`: at most 1,024 characters are kept. */
const MAX_REASON_CHARS = 1_024;

/**
 * Tells each task to stop: SIGTERM now, SIGKILL after its stop time-out (30 s by default). A task or a cluster that is gone
 * is no error, so it may be called again. Other errors are thrown after every task was tried.
 */
export async function stopTasks(
  { ecs }: Pick<EcsDeps, "ecs">,
  { cluster, taskArns, reason }: TasksInput & { readonly reason: string },
): Promise<StoppedTasks> {
  const stopped: string[] = [];
  const gone: string[] = [];
  const errors: unknown[] = [];
  for (const task of taskArns) {
    try {
      await ecs.send(new StopTaskCommand({ cluster, task, reason: reason.slice(0, MAX_REASON_CHARS) }));
      stopped.push(task);
    } catch (error) {
      if (isGone(error)) gone.push(task);
      else errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
  return { stopped, gone };
}

/** ECS answers InvalidParameterException "The referenced task was not found." for a task that it has forgotten. */
function isGone(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === "ClusterNotFoundException") return true;
  return error.name === "InvalidParameterException" && /not found/i.test(error.message);
}
