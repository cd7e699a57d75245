import type { Clock, Store } from "@stackyard/core";
import type { DueItem, TakeDueInput } from "@stackyard/core/engine";
import type { OutgoingMessage, Sender } from "@stackyard/transport-sqs";
import { toTick } from "./tick.ts";

/** What sending ticks needs. */
export interface SendTicksDeps {
  readonly store: Pick<Store, "takeDue">;
  /** Of the queue `stack-ticks`. */
  readonly ticks: Sender;
  readonly clock: Clock;
}

/** Which due work, and until when. */
export interface SendTicksInput {
  readonly kinds: TakeDueInput["kinds"];
  /** What is due by then. */
  readonly until: number;
  /** No more is taken from that instant on. */
  readonly stopAt: number;
}

/** What one take holds, so that a process that dies has taken out no more. */
const LIMIT = 100;
/**
 * After what was asked for is due, so long it is out: the next sweep must not take it again while its tick is on its way,
 * and one that is lost on the way is found soon.
 */
const LEASE_MS = 180_000;

/**
 * Takes what is due soon and sends it to `stack-ticks` with the delay that is left. Whoever dies between leaves it to the
 * lease of the take: it is a few minutes late, and not lost. Gives how much was sent.
 */
export async function sendTicks({ store, ticks, clock }: SendTicksDeps, input: SendTicksInput): Promise<number> {
  const { kinds, until, stopAt } = input;
  for (let sent = 0; ; ) {
    const now = clock.now();
    if (now >= stopAt) return sent;
    const items = await store.takeDue({ kinds, now: Math.max(now, until), limit: LIMIT, leaseMs: LEASE_MS });
    if (items.length > 0) await ticks.send(items.flatMap((item) => toTickMessage(item, now) ?? []));
    sent += items.length;
    // Each take costs a DynamoDB yard some twenty reads; what others hold comes with the next sweep.
    if (items.length < LIMIT) return sent;
  }
}

function toTickMessage(item: DueItem, now: number): OutgoingMessage | undefined {
  const tick = toTick(item);
  if (tick === undefined) return undefined;
  const delayMs = Math.max(0, tick.dueAt - now);
  // The queue is no FIFO queue: group and repeat mean nothing there.
  return { body: JSON.stringify(tick), attributes: {}, groupId: "", deduplicationId: "", delayMs };
}
