import { type Clock, RecentMap } from "@stackyard/core";
import type { ChangeBell } from "../change-bell.ts";

/** The boards that were computed last. What two callers may read alike is computed once for both. */
export interface BoardCache<Value> {
  /** Returns the value of a key: the one that is computed now, or was just before, else a new one. */
  get(key: string, compute: () => Promise<Value>): Promise<Value>;
}

interface BoardCacheDeps {
  readonly clock: Pick<Clock, "now">;
  /** Rings when a stack has changed. */
  readonly bell: Pick<ChangeBell, "count">;
}

/** The shortest time between two computations of a board, however busy the yard is. */
const SHORTEST_MS = 500;
/** A store of several processes may not ring, and turns are records, which ring nowhere. */
const LONGEST_MS = 2_000;
const MOST_KEPT = 100;

interface Kept<Value> {
  readonly value: Promise<Value>;
  /** When it began: it shows at least what had happened before. */
  readonly at: number;
  readonly rings: number;
  isComputed: boolean;
}

/** Creates an empty cache. A key must say everything on which its value depends, first of all what the caller may read. */
export function createBoardCache<Value>({ clock, bell }: BoardCacheDeps): BoardCache<Value> {
  const kept = new RecentMap<string, Kept<Value>>(MOST_KEPT);

  function isFresh({ at, rings, isComputed }: Kept<Value>): boolean {
    const age = clock.now() - at;
    if (!isComputed || age < SHORTEST_MS) return true;
    return rings === bell.count && age < LONGEST_MS;
  }

  function begin(key: string, compute: () => Promise<Value>): Promise<Value> {
    const begun: Kept<Value> = { value: compute(), at: clock.now(), rings: bell.count, isComputed: false };
    kept.set(key, begun);
    begun.value.then(
      () => {
        begun.isComputed = true;
      },
      // The error is the callers'; the next one computes again.
      () => {
        if (kept.get(key) === begun) kept.delete(key);
      },
    );
    return begun.value;
  }

  return {
    async get(key, compute) {
      const known = kept.get(key);
      if (known !== undefined && isFresh(known)) return known.value;
      kept.delete(key);
      return begin(key, compute);
    },
  };
}
