import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { Lease } from "../ports/records.ts";
import type { Retention } from "../ports/stack-queries.ts";
import type { Store } from "../ports/store.ts";
import type { Subscription } from "../ports/transport.ts";
import type { DueKind } from "../ports/work-queue.ts";
import { createLeases } from "./built-in-ports.ts";
import type { Engine } from "./engine.ts";

/** What the sweep works with. */
export interface SweepDeps {
  readonly engine: Pick<Engine, "sweep">;
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Names this process among those that may prune. */
  readonly owner: string;
}

const KINDS: readonly DueKind[] = ["timer", "deadline", "parked"];
// A timer that another process set, or that was set while this one slept, is at most so late.
const LONGEST_SLEEP_MS = 1_000;
// A store may say that something is due and hand nothing out, because somebody else has it.
const SHORTEST_SLEEP_MS = 10;
const PRUNE_EVERY_MS = 600_000;
const PRUNE_LEASE = "prune";

/** Works what time makes due, and prunes what is too old unless another process does, until it is stopped. */
export function startSweep(deps: SweepDeps, retention: Retention): Subscription {
  const stopping = new AbortController();
  const { clock, engine, logger, store } = deps;
  const leases = createLeases(store.records, { clock });
  let lease: Lease | undefined;
  let prunedAt = Number.NEGATIVE_INFINITY;
  const loop = run();

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        const worked = await engine.sweep();
        await prune();
        if (worked === 0) await clock.sleep(await sleepMs(), stopping.signal);
      } catch (error) {
        logger.error("The sweep failed; it tries again.", { error });
        await clock.sleep(LONGEST_SLEEP_MS, stopping.signal);
      }
    }
  }

  async function sleepMs(): Promise<number> {
    const dueAt = await store.nextDueAt(KINDS);
    return dueAt === undefined
      ? LONGEST_SLEEP_MS
      : Math.min(LONGEST_SLEEP_MS, Math.max(SHORTEST_SLEEP_MS, dueAt - clock.now()));
  }

  async function prune(): Promise<void> {
    const now = clock.now();
    if (now - prunedAt < PRUNE_EVERY_MS) return;
    const more = (await mayPrune(now)) && (await store.prune(retention, now));
    if (!more) prunedAt = now;
  }

  /** A pass reads all ids that the store remembers: one process makes it for all. */
  async function mayPrune(now: number): Promise<boolean> {
    if (lease !== undefined && now < lease.until) return true;
    const taken = await leases.acquire(PRUNE_LEASE, deps.owner, PRUNE_EVERY_MS);
    lease = taken.kind === "acquired" ? taken.lease : undefined;
    return lease !== undefined;
  }

  return {
    async stop() {
      stopping.abort();
      await loop;
    },
  };
}
