import type { Transport } from "@stackyard/core";
import { noClaimChecks } from "./claim-check.ts";
import { isFifo } from "./fifo-ids.ts";
import { createQueueConsumer } from "./queue-consumer.ts";
import { type EventDelivery, readEvent } from "./read-deliveries.ts";
import { toReading } from "./to-reading.ts";
import { toSettlement } from "./to-settlement.ts";
import { findCarrier } from "./tracing.ts";
import { requireQueue, type TransportDeps, toFailurePolicy } from "./transport-deps.ts";

type ConsumeEvents = Transport["consumeEvents"];

/** Consumes the event queue; events of one stack are in one call at a time. */
export function consumeEvents(
  deps: TransportDeps,
  ...[handler, options]: Parameters<ConsumeEvents>
): ReturnType<ConsumeEvents> {
  const { clock, tracing, claimChecks = noClaimChecks } = deps;
  const { eventQueue, resultKey } = deps.options;
  const queue = requireQueue(eventQueue, "eventQueue");
  const policy = toFailurePolicy(deps, queue);
  return createQueueConsumer<EventDelivery>({
    ...toReading(deps, queue),
    batchSize: options.batchSize,
    concurrency: options.concurrency,
    // While a call commits, the next ones gather.
    prefetch: options.batchSize,
    ordered: isFifo(queue.url),
    async read(incoming) {
      const value = await readEvent(incoming, { claimChecks, resultKey, now: clock.now() });
      // Messages that name no stack wait for nobody.
      return { lane: value.event.stackId || incoming.receiptHandle, incoming, value };
    },
    async handle(messages) {
      const carriers = messages.map(({ incoming }) => findCarrier(incoming.attributes));
      const outcomes = await tracing.run(carriers, () => handler(messages.map(({ value }) => value)));
      return Promise.all(
        messages.map(({ incoming }, index) => {
          const outcome = outcomes[index] ?? { kind: "retry", reason: "The handler gave no outcome." };
          return toSettlement(incoming, outcome, policy);
        }),
      );
    },
  });
}
