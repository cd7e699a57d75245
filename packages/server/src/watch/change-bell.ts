import type { Clock, Store } from "@stackyard/core";

/** Tells that the history has grown. A store of several processes may stay silent, so waits are short all the same. */
export interface ChangeBell {
  /** Rings so far. */
  readonly count: number;
  /** Resolves at the next ring after that count, after the time, or when the signal is aborted. Never rejects. */
  wait(count: number, ms: number, signal: AbortSignal): Promise<void>;
  stop(): void;
}

/** One subscription to the store for all who wait. */
export function createChangeBell(store: Store, clock: Clock): ChangeBell {
  let count = 0;
  let next = new AbortController();
  const stop = store.watch(({ kind }) => {
    if (kind !== "history") return;
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
