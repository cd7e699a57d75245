import type { Clock, Store } from "@stackyard/core";
import { createLeases, type Retention } from "@stackyard/core/engine";

/** What pruning in a long-lived process needs. */
export interface PruneAloneDeps {
  readonly store: Pick<Store, "prune" | "records">;
  readonly retention: Retention;
  readonly clock: Clock;
  /** Names this process. */
  readonly owner: string;
}

const EVERY_MS = 600_000;
/** As the sweep of other yards has it. */
const LEASE = "prune";

/**
 * Prunes every ten minutes, unless another process of the yard does: a pass reads all ids that the store remembers. A call
 * does bounded work, and goes on where the last one ended.
 */
export function createLonePruner({ store, retention, clock, owner }: PruneAloneDeps): () => Promise<void> {
  const leases = createLeases(store.records, { clock });
  let mineUntil = Number.NEGATIVE_INFINITY;
  let nextAt = Number.NEGATIVE_INFINITY;

  async function isMine(now: number): Promise<boolean> {
    if (now < mineUntil) return true;
    const taken = await leases.acquire(LEASE, owner, EVERY_MS);
    if (taken.kind === "acquired") mineUntil = taken.lease.until;
    return taken.kind === "acquired";
  }

  return async () => {
    const now = clock.now();
    if (now < nextAt) return;
    const isMoreLeft = (await isMine(now)) && (await store.prune(retention, now));
    if (!isMoreLeft) nextAt = now + EVERY_MS;
  };
}
