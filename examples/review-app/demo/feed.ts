/** A feed of items; a caller can wait for one of them. */
export interface Feed<Item> {
  push(item: Item): void;
  /**
   * Returns the next item that matches; earlier items are ignored. If none arrives in time, it fails
   * with an error that contains `what`.
   */
  next(what: string, fits: (item: Item) => boolean): Promise<Item>;
}

/** Creates a feed with waits that end after a while, and, with the signal's reason, when nothing more will come. */
export function createFeed<Item>({
  signal,
  waitMs,
}: {
  readonly signal: AbortSignal;
  readonly waitMs: number;
}): Feed<Item> {
  const waiting = new Set<(item: Item) => void>();
  return {
    push(item) {
      for (const look of waiting) look(item);
    },
    next(what, fits) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const stop = () => fail(signal.reason);
        const timer = setTimeout(() => fail(new Error(`${waitMs / 1_000} s were over before ${what}.`)), waitMs);
        // One of two waits may remain when the other has ended; it must not keep the process running.
        timer.unref();
        const look = (item: Item) => {
          if (!fits(item)) return;
          end();
          resolve(item);
        };
        const fail = (reason: unknown) => {
          end();
          reject(reason);
        };
        const end = () => {
          waiting.delete(look);
          clearTimeout(timer);
          signal.removeEventListener("abort", stop);
        };
        waiting.add(look);
        signal.addEventListener("abort", stop, { once: true });
      });
    },
  };
}
