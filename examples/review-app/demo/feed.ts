/** Things as they come; somebody may wait for one of them. */
export interface Feed<Item> {
  push(item: Item): void;
  /** The next one that fits; those that have been are not looked at. */
  next(fits: (item: Item) => boolean): Promise<Item>;
}

/** A feed whose waits end, with the signal's reason, when nothing more will come. */
export function createFeed<Item>(signal: AbortSignal): Feed<Item> {
  const waiting = new Set<(item: Item) => void>();
  return {
    push(item) {
      for (const look of waiting) look(item);
    },
    next(fits) {
      return new Promise((resolve, reject) => {
        const stop = () => reject(signal.reason);
        const look = (item: Item) => {
          if (!fits(item)) return;
          waiting.delete(look);
          signal.removeEventListener("abort", stop);
          resolve(item);
        };
        if (signal.aborted) return stop();
        waiting.add(look);
        signal.addEventListener("abort", stop, { once: true });
      });
    },
  };
}
