import { untilAborted } from "./run-main.ts";
import type { TaskRunnerParts } from "./task-runner-parts.ts";

/** Consumes the task queues until the signal; see `startTasks` for the end. */
export async function runTaskContainer(
  { environment, logger, start }: Pick<TaskRunnerParts, "environment" | "logger" | "start">,
  stopping: AbortSignal,
): Promise<void> {
  const { tasks, longTasks } = environment.queues;
  const { concurrency, hasStore } = environment.tasks;
  const running = start();
  const queues = [tasks, longTasks].filter((queue) => queue !== undefined);
  logger.info("The task runner consumes tasks.", { queues, concurrency, hasStore });
  await untilAborted(stopping);
  logger.info("The task runner accepts no new work.");
  await running.stop();
}
