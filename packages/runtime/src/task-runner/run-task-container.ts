import type { Transport } from "@stackyard/core";
import { untilAborted } from "../run-main.ts";
import type { TaskRunnerParts } from "./open-task-runner.ts";

/** How a container is stopped. */
export interface ContainerInput {
  readonly stopping: AbortSignal;
  /** Default: 10 s. */
  readonly drainMs?: number | undefined;
}

const DRAIN_MS = 10_000;
/** Terraform may need four minutes to end in an orderly way. */
const LEAVE_MS = 300_000;

/**
 * Consumes the task queues until the signal. Then it takes nothing new, waits for running tasks, asks those that still run to
 * end and gives them back. One that does not end is left: its lease, or its message, hands it to another runner.
 */
export async function runTaskContainer(
  parts: TaskRunnerParts,
  { stopping, drainMs = DRAIN_MS }: ContainerInput,
): Promise<void> {
  const { transport, worker, environment, logger } = parts;
  const { tasks, longTasks } = environment.queues;
  const { concurrency, hasStore } = environment.tasks;
  const consuming = transport.consumeTasks((delivery) => worker.handle(delivery), { batchSize: 1, concurrency });
  const queues = [tasks, longTasks].filter((queue) => queue !== undefined);
  logger.info("The task runner consumes tasks.", { queues, concurrency, hasStore });
  await untilAborted(stopping);
  await endTasks(parts, consuming, drainMs);
}

async function endTasks(
  { clock, worker, logger }: TaskRunnerParts,
  consuming: ReturnType<Transport["consumeTasks"]>,
  drainMs: number,
): Promise<void> {
  const ended = new AbortController();
  const stopped = consuming.stop().finally(() => ended.abort());
  const tell = (message: string) => {
    if (ended.signal.aborted) return;
    logger.warn(message, { tasks: worker.running().map(({ stackId, task }) => `${stackId} ${task}`) });
  };
  logger.info("The task runner takes nothing new.");
  await clock.sleep(drainMs, ended.signal);
  tell("Running tasks are asked to end.");
  worker.abort();
  await clock.sleep(LEAVE_MS, ended.signal);
  if (ended.signal.aborted) return stopped;
  tell("Tasks that did not end are left to other runners.");
  worker.leave();
}
