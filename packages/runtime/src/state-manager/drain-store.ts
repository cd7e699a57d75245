import type { Clock, Store } from "@stackyard/core";
import type { createEngine, DueItem } from "@stackyard/core/engine";
import type { OutboxRelay } from "@stackyard/transport-sqs";

/** What draining needs. */
export interface DrainStoreDeps {
  readonly store: Pick<Store, "takeDue" | "release">;
  readonly engine: Pick<ReturnType<typeof createEngine>, "handle">;
  readonly outbox: OutboxRelay;
  readonly clock: Clock;
}

type EventItem = Extract<DueItem, { kind: "event" }>;

const LIMIT = 64;
const LEASE_MS = 30_000;
const AGAIN_MS = 5_000;

/** Of suspended attempts a commit may have cancelled some: their polls are due at once. */
const SENT = ["task", "poll"] as const;

/**
 * Works what commits have left behind: sends task messages and due polls, and decides events that lie in the store's own
 * queue, such as those of cancelled attempts and what somebody sent again. They need not travel to the queue of events and
 * back. Until nothing is left, or that instant.
 */
export async function drainStore(deps: DrainStoreDeps, stopAt: number): Promise<number> {
  let worked = await deps.outbox.drain({ kinds: SENT, stopAt });
  while (deps.clock.now() < stopAt) {
    const decided = await decideQueued(deps);
    if (decided === 0) return worked;
    worked += decided + (await deps.outbox.drain({ kinds: SENT, stopAt }));
  }
  return worked;
}

async function decideQueued({ store, engine, clock }: DrainStoreDeps): Promise<number> {
  const due = await store.takeDue({ kinds: ["event"], now: clock.now(), limit: LIMIT, leaseMs: LEASE_MS });
  const items = due.filter((item): item is EventItem => item.kind === "event");
  if (items.length === 0) return 0;
  const outcomes = await engine.handle(
    items.map(({ event, receipt, deliveries }) => ({ event, storeReceipt: receipt, deliveries })),
  );
  const failed = items.filter((_, index) => outcomes[index]?.kind !== "done").map(({ receipt }) => receipt);
  if (failed.length > 0) await store.release(failed, clock.now() + AGAIN_MS);
  return items.length;
}
