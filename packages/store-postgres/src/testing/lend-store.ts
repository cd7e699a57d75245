import type { Store } from "@stackyard/core";
import type { PostgresStore } from "../create-postgres-store.ts";

/** A store that several cases use one after the other: its connections cost more than what most cases do. */
export interface LentStore {
  /** Returns the store for one case. Its `close` ends what the case listens to, and leaves the store open for the next. */
  borrow(): Promise<Store>;
  /** Closes the store itself. */
  close(): Promise<void>;
}

/** Lends a store. */
export function lendStore(store: PostgresStore): LentStore {
  return {
    async borrow() {
      const stops: (() => void)[] = [];
      return {
        ...store,
        watch(listener) {
          const stop = store.watch(listener);
          stops.push(stop);
          return stop;
        },
        async close() {
          for (const stop of stops) stop();
        },
      };
    },
    close: () => store.close(),
  };
}
