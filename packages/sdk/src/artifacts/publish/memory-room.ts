/** Bytes that may be held at a time, by whoever holds them. */
export interface MemoryRoom {
  /** Waits until so many are free. More than there is counts as all of it. Gives what to give back. */
  take(bytes: number): Promise<number>;
  give(bytes: number): void;
}

/** Who came first is served first, so nobody waits for ever. */
export function createMemoryRoom(bytes: number): MemoryRoom {
  const waiting: { readonly wanted: number; readonly go: () => void }[] = [];
  let free = bytes;

  function serve(): void {
    for (let next = waiting[0]; next !== undefined && next.wanted <= free; next = waiting[0]) {
      waiting.shift();
      free -= next.wanted;
      next.go();
    }
  }

  return {
    take(asked) {
      const wanted = Math.min(asked, bytes);
      return new Promise((resolve) => {
        waiting.push({ wanted, go: () => resolve(wanted) });
        serve();
      });
    },
    give(returned) {
      free += returned;
      serve();
    },
  };
}
