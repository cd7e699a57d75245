import type { StoreSignal } from "../ports/store.ts";

/** Listeners of a store in one process. */
export interface MemoryWatch {
  watch(listener: (signal: StoreSignal) => void): () => void;
  /** Tells all listeners once, after the present call. */
  notify(kind: StoreSignal["kind"]): void;
}

/** Signals of one call are told together, so that a commit of many events wakes nobody twice. */
export function createMemoryWatch(): MemoryWatch {
  const listeners = new Set<(signal: StoreSignal) => void>();
  const pending = new Set<StoreSignal["kind"]>();

  function tell(): void {
    const kinds = [...pending];
    pending.clear();
    for (const kind of kinds) {
      for (const listener of listeners) listener({ kind });
    }
  }

  return {
    watch(listener) {
      // One function may listen twice.
      const own = (signal: StoreSignal) => listener(signal);
      listeners.add(own);
      return () => {
        listeners.delete(own);
      };
    },
    notify(kind) {
      if (listeners.size === 0) return;
      if (pending.size === 0) queueMicrotask(tell);
      pending.add(kind);
    },
  };
}
