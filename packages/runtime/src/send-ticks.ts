import type { Clock } from "@stackyard/core";
import type { TickSender } from "@stackyard/core/engine";
import type { Sender } from "@stackyard/transport-sqs";
import { type Tick, toTick } from "./tick.ts";

/** Sends due work to the queue `stack-ticks`, with the delay that is left. */
export function createTickSender(sender: Sender, clock: Clock): TickSender {
  return {
    async send(items) {
      const now = clock.now();
      await sender.send(items.flatMap((item) => toMessage(toTick(item), now)));
    },
  };
}

function toMessage(tick: Tick | undefined, now: number) {
  if (tick === undefined) return [];
  // The queue is not a FIFO queue: group and repeat mean nothing there.
  const plain = { attributes: {}, groupId: "", deduplicationId: "" };
  return [{ body: JSON.stringify(tick), ...plain, delayMs: Math.max(0, tick.dueAt - now) }];
}
