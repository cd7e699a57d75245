import type { Clock, Store, StoreSignal } from "@stackyard/core";

/** Signals that the history has grown. A store of several processes may not signal, so waits are short anyway. */
export interface ChangeBell {
  /** Rings so far. */
  readonly count: number;
  /** Resolves at the next ring after `count`, after `ms`, or when the signal is aborted. Never rejects. */
  wait(count: number, ms: number, signal: AbortSignal): Promise<void>;
  stop(): void;
}

/** Creates a bell with one subscription for all waiters. `kinds`: the signals that ring; default the history. */
export function createChangeBell(
  store: Store,
  clock: Clock,
  kinds: readonly StoreSignal["kind"][] = ["history"],
): ChangeBell {
  let count = 0;
  let next = new AbortController();
  const stop = store.watch(({ kind }) => {
    if (!kinds.includes(kind)) return;
    count += 1;
    next.abort();
    next = new AbortController();
  });
  return {
    get count() {
      return count;
    },
    async wait(seen, ms, signal) {
      if (count === seen) await clock.sleep(ms, AbortSignal.any([signal, next.signal]));
    },
    stop,
  };
}
