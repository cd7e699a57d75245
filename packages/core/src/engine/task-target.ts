import type { TaskMessage } from "../machine/message/task-message.ts";
import { isMap } from "../machine/message/unwrap-body.ts";
import type { Failed, Target } from "../ports/executor.ts";
import { failed } from "../ports/steps.ts";

const DEFAULT_PARTITION = "aws";

/** The account and region that a task message names; undefined: the runner's own. */
export function findTarget({ task }: TaskMessage): Target | undefined {
  const target = task["target"];
  if (!isMap(target)) return undefined;
  const { account, region, role, externalId, partition } = target;
  if (typeof account !== "string" || typeof region !== "string") return undefined;
  return {
    ...{ account, region },
    partition: typeof partition === "string" ? partition : DEFAULT_PARTITION,
    ...(typeof role === "string" ? { role } : {}),
    ...(typeof externalId === "string" ? { externalId } : {}),
  };
}

/** Why a task must not begin: its target leaves something out, and the work would be done in the wrong place. */
export function findTargetFault(message: TaskMessage): Failed | undefined {
  if (message.dispatch.version !== 2 || !isMap(message.task["target"]) || findTarget(message)) return undefined;
  const reason = `The target of the task "${message.task.name}" names no account or no region. Give both, or leave the target out to work in the runner's own.`;
  return failed({ code: "CONFIG_INVALID", message: reason, retryable: false });
}
