import type { Logger } from "@stackyard/core";
import type { StoreSignal } from "./port-types.ts";

/** Who wants to know of commits in this process. A listener that throws harms neither the commit nor the others. */
export class Listeners {
  readonly #listeners = new Set<(signal: StoreSignal) => void>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  add(listener: (signal: StoreSignal) => void): () => void {
    // The same function may be added twice.
    const own = (signal: StoreSignal): void => listener(signal);
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  }

  tell(kinds: ReadonlySet<StoreSignal["kind"]>): void {
    for (const listener of [...this.#listeners]) {
      for (const kind of kinds) this.#call(listener, kind);
    }
  }

  #call(listener: (signal: StoreSignal) => void, kind: StoreSignal["kind"]): void {
    try {
      listener({ kind });
    } catch (error) {
      this.#logger.error("A listener of the store failed.", { error });
    }
  }
}
