import type { Transport } from "@stackyard/core";
import { noClaimChecks } from "./claim-check.ts";
import { createQueueConsumer } from "./queue-consumer.ts";
import { readTask, type TaskDelivery } from "./read-deliveries.ts";
import type { QueueOptions } from "./sqs-transport-options.ts";
import { toReading } from "./to-reading.ts";
import { toPoisonSettlement, toSettlement } from "./to-settlement.ts";
import { findCarrier } from "./tracing.ts";
import { requireQueue, type TransportDeps, toFailurePolicy } from "./transport-deps.ts";

type ConsumeTasks = Transport["consumeTasks"];

/** Consumes the task queues; a runner that is given both has the same limit for each. */
export function consumeTasks(
  deps: TransportDeps,
  ...[handler, options]: Parameters<ConsumeTasks>
): ReturnType<ConsumeTasks> {
  const { taskQueue, longTaskQueue } = deps.options;
  const queues = longTaskQueue === undefined ? [requireQueue(taskQueue, "taskQueue")] : [taskQueue, longTaskQueue];
  const consumers = queues.flatMap((queue) => {
    return queue === undefined ? [] : [consumeQueue(deps, queue, { handler, concurrency: options.concurrency })];
  });
  return {
    async stop() {
      await Promise.all(consumers.map((consumer) => consumer.stop()));
    },
  };
}

function consumeQueue(
  deps: TransportDeps,
  queue: QueueOptions,
  { handler, concurrency }: { readonly handler: Parameters<ConsumeTasks>[0]; readonly concurrency: number },
): ReturnType<ConsumeTasks> {
  const { clock, tracing, claimChecks = noClaimChecks } = deps;
  const policy = toFailurePolicy(deps, queue);
  return createQueueConsumer<TaskDelivery>({
    ...toReading(deps, queue),
    batchSize: 1,
    concurrency,
    // What waits here is hidden from runners that are free.
    prefetch: 0,
    ordered: false,
    async read(incoming) {
      const read = await readTask(incoming, { claimChecks, now: clock.now() });
      if (read.kind === "invalid") return toPoisonSettlement(incoming, read.reason, policy);
      return { lane: incoming.receiptHandle, incoming, value: read.delivery };
    },
    async handle(messages) {
      const settle = messages.map(async ({ incoming, value }) => {
        const outcome = await tracing.run([findCarrier(incoming.attributes)], () => handler(value));
        return toSettlement(incoming, outcome, policy);
      });
      return Promise.all(settle);
    },
  });
}
