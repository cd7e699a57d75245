import type { Logger } from "@stackyard/core";
import type { StoreSignal } from "./port-types.ts";

/** Who wants to know of what is written in this process. */
export interface Listeners {
  watch(listener: (signal: StoreSignal) => void): () => void;
  tell(...kinds: readonly StoreSignal["kind"][]): void;
}

/** A listener that throws harms neither the write nor the others. */
export function createListeners(logger: Logger): Listeners {
  const listeners = new Set<(signal: StoreSignal) => void>();

  function call(listener: (signal: StoreSignal) => void, kind: StoreSignal["kind"]): void {
    try {
      listener({ kind });
    } catch (error) {
      logger.error("A listener of the store failed.", { error });
    }
  }

  return {
    watch(listener) {
      // The same function may listen twice.
      const own = (signal: StoreSignal) => listener(signal);
      listeners.add(own);
      return () => {
        listeners.delete(own);
      };
    },
    tell(...kinds) {
      for (const listener of [...listeners]) for (const kind of kinds) call(listener, kind);
    },
  };
}
