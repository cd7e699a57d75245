import { isMap } from "../../machine/json.ts";
import type { TaskMessage } from "../../machine/task-message.ts";
import { type Failed, failed, type Target } from "../../ports/executor.ts";

const DEFAULT_PARTITION = "aws";

/** Returns the account and region of a task message; undefined for those of the runner. */
export function findTarget({ task }: TaskMessage): Target | undefined {
  const target = task["target"];
  if (!isMap(target)) return undefined;
  const { account, region, role, externalId, partition } = target;
  if (typeof account !== "string" || typeof region !== "string") return undefined;
  return {
    account,
    region,
    partition: typeof partition === "string" ? partition : DEFAULT_PARTITION,
    ...(typeof role === "string" ? { role } : {}),
    ...(typeof externalId === "string" ? { externalId } : {}),
  };
}

/**
 * Returns a failure if the target of a task is incomplete, because the work would run in the wrong account or region.
 */
export function findTargetFault(message: TaskMessage): Failed | undefined {
  if (message.dispatch.version !== 2 || !isMap(message.task["target"]) || findTarget(message)) return undefined;
  const reason = `The target of the task "${message.task.name}" has no account or no region. Set both, or remove the target to use those of the runner.`;
  return failed({ code: "CONFIG_INVALID", message: reason, retryable: false });
}
