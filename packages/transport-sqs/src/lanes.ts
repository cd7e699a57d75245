/** Something that waits in a lane: what has the same lane is worked in order, one call at a time. */
export interface Laned {
  readonly lane: string;
}

/** What was received and waits for a call. */
export interface Lanes<Item extends Laned> {
  add(items: readonly Item[]): void;
  /** Items for one call, in order of arrival; their lanes are taken. Undefined: nothing is free. */
  take(maxItems: number): readonly Item[] | undefined;
  /** Frees the lanes of a call that has ended. */
  free(items: readonly Item[]): void;
  /** Removes and gives what waits in a lane. */
  drop(lane: string): readonly Item[];
  /** Removes and gives all that waits. */
  dropAll(): readonly Item[];
  readonly size: number;
}

/** Keeps items in order; those of one lane are in at most one call, and there together as far as it has room. */
export function createLanes<Item extends Laned>(): Lanes<Item> {
  let waiting: readonly Item[] = [];
  const busy = new Set<string>();

  function remove(isGone: (item: Item) => boolean): readonly Item[] {
    const gone = waiting.filter(isGone);
    waiting = waiting.filter((item) => !isGone(item));
    return gone;
  }

  return {
    add(items) {
      waiting = [...waiting, ...items];
    },
    take(maxItems) {
      const taken = new Set(waiting.filter(({ lane }) => !busy.has(lane)).slice(0, maxItems));
      if (taken.size === 0) return undefined;
      for (const { lane } of taken) busy.add(lane);
      return remove((item) => taken.has(item));
    },
    free(items) {
      for (const { lane } of items) busy.delete(lane);
    },
    drop: (lane) => remove((item) => item.lane === lane),
    dropAll: () => remove(() => true),
    get size() {
      return waiting.length;
    },
  };
}
