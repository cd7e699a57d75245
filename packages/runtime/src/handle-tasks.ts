import type { LambdaContext } from "@stackyard/aws";
import { StackyardError } from "@stackyard/core";
import { createTaskBatchHandler, parseSqsBatch, type SqsBatchResponse } from "@stackyard/transport-sqs";
import { answerBatch } from "./answer-batch.ts";
import { toQueueName } from "./queue-name.ts";
import type { TaskRunnerParts } from "./task-runner-parts.ts";

/**
 * Creates the function that Lambda calls with batches of a task queue, all records in parallel. Throws `SERVER_ERROR`
 * when some of them must be delivered again, having deleted the others; `EVENT_INVALID` for other events, and
 * `CONFIG_INVALID` for a batch of a queue that is not for a task runner.
 */
export function createTaskHandler(
  parts: TaskRunnerParts,
): (event: unknown, context?: LambdaContext) => Promise<SqsBatchResponse> {
  const { clock, worker, batches } = parts;
  const handle = createTaskBatchHandler(worker.handle, batches);
  return async (event, context) => {
    // A manual test call has no context.
    const leftMs = context?.getRemainingTimeInMillis?.() ?? Number.POSITIVE_INFINITY;
    const endsAt = clock.now() + leftMs;
    const batch = parseSqsBatch(event);
    checkQueue(parts, batch.queueArn);
    return answerBatch(parts, batch, await handle(event, { endsAt }));
  };
}

function checkQueue({ environment: { queues } }: TaskRunnerParts, queueArn: string): void {
  const name = toQueueName(queueArn);
  const others = [queues.events, queues.ticks, queues.eventDeadLetters, queues.taskDeadLetters];
  if (!others.some((url) => url !== undefined && toQueueName(url) === name)) return;
  const todo = "Connect the event source mapping to the queue of tasks.";
  throw new StackyardError("CONFIG_INVALID", `The task runner was called with the queue "${name}". ${todo}`);
}
