import type { TaskMessage } from "../machine/task-message.ts";
import type { Target } from "../ports/executor.ts";

const DEFAULT_PARTITION = "aws";

/** The account and region that a task message names; undefined: the runner's own. */
export function findTarget({ task }: TaskMessage): Target | undefined {
  const target = task["target"];
  if (typeof target !== "object" || target === null || !("account" in target) || !("region" in target))
    return undefined;
  const { account, region } = target;
  if (typeof account !== "string" || typeof region !== "string") return undefined;
  const partition =
    "partition" in target && typeof target.partition === "string" ? target.partition : DEFAULT_PARTITION;
  return { account, region, partition };
}
