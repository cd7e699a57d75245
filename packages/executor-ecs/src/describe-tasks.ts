import { DescribeTasksCommand, type Task } from "@aws-sdk/client-ecs";
import type { EcsDeps } from "./task-order.ts";

/** Tasks of one cluster. */
export interface TasksInput {
  readonly cluster: string;
  readonly taskArns: readonly string[];
}

/** Tasks in the order in which they were asked for, and those that ECS does not know (any more, or yet). */
export interface DescribedTasks {
  readonly tasks: readonly Task[];
  readonly missing: readonly string[];
}

/** DescribeTasks API, `tasks`: "up to 100 task IDs or full ARN entries". */
const MAX_TASKS = 100;

/** Looks tasks up, 100 a call. ECS forgets stopped tasks after an hour, and knows new ones only after some seconds. */
export async function describeTasks(
  { ecs, signal }: Pick<EcsDeps, "ecs" | "signal">,
  { cluster, taskArns, tags = false }: TasksInput & { readonly tags?: boolean },
): Promise<DescribedTasks> {
  const found = new Map<string, Task>();
  for (let at = 0; at < taskArns.length; at += MAX_TASKS) {
    const input = {
      cluster,
      tasks: taskArns.slice(at, at + MAX_TASKS),
      ...(tags ? { include: ["TAGS" as const] } : {}),
    };
    const { tasks = [] } = await ecs.send(new DescribeTasksCommand(input), { abortSignal: signal });
    for (const task of tasks) if (task.taskArn !== undefined) found.set(task.taskArn, task);
  }
  return {
    tasks: taskArns.flatMap((arn) => found.get(arn) ?? []),
    missing: taskArns.filter((arn) => !found.has(arn)),
  };
}
