import type { Tag, Task } from "@aws-sdk/client-ecs";
import { describeTasks } from "./describe-tasks.ts";
import { listStoppedTasks, listTasks } from "./list-tasks.ts";
import type { EcsDeps, TaskOrder } from "./task-order.ts";

/**
 * The tasks that an earlier call for this order has started, running or stopped within the last hour: those of its
 * `startedBy` that carry all its tags. A task shows up some seconds after its start.
 */
export async function findStartedTasks(
  deps: Pick<EcsDeps, "ecs" | "signal">,
  order: Pick<TaskOrder, "cluster" | "startedBy" | "taskDefinition" | "tags">,
): Promise<readonly Task[]> {
  const { cluster, startedBy, tags = [] } = order;
  const running = await listTasks(deps, { cluster, startedBy });
  const stopped = await listStoppedTasks(deps, { cluster, family: toFamily(order.taskDefinition) });
  const taskArns = [...new Set([...running, ...stopped])];
  const { tasks } = await describeTasks(deps, { cluster, taskArns, tags: tags.length > 0 });
  return tasks.filter((task) => task.startedBy === startedBy && hasTags(task, tags));
}

/** The family of a task definition given as ARN, `family:revision` or family. */
function toFamily(taskDefinition: string): string {
  const name = taskDefinition.slice(taskDefinition.lastIndexOf("/") + 1);
  return name.replace(/:[0-9]+$/, "");
}

/** A tag without a value has an empty one. */
function hasTags(task: Task, tags: readonly Tag[]): boolean {
  const own = new Map(task.tags?.map(({ key, value = "" }) => [key, value]));
  return tags.every(({ key, value = "" }) => own.get(key) === value);
}
