import type { Clock } from "@stackyard/core";
import { type Aggregate, type DueTimes, findDueTimes, findNextDueAt } from "./aggregate.ts";

/** Stacks of which this process has just written something that is due, or will be. */
export interface RecentWork {
  note(stackId: string, written: Aggregate): void;
  /** Due by then, and not in the index perhaps. Like an entry of the index it is a hint: the item may say otherwise by now. */
  list(kinds: readonly (keyof DueTimes)[], now: number): readonly DueStack[];
  /** The same, of all that the sweep of a minute may not have seen. */
  listOwn(kinds: readonly (keyof DueTimes)[], now: number): readonly DueStack[];
}

/** A stack of which something may be due from that instant on. */
export interface DueStack {
  readonly id: string;
  readonly at: number;
}

/** An index lags for less than a second as a rule; after this it is believed. */
const LAG_MS = 10_000;
const KEPT_MS = 60_000;
const MOST = 1_000;

/**
 * Remembers what this process has written. Who commits and then takes what the commit has queued would otherwise find
 * nothing, and the work would wait for the next sweep.
 */
export function createRecentWork(clock: Clock): RecentWork {
  const entries = new Map<string, { readonly times: DueTimes; readonly writtenAt: number }>();

  function listSince(ms: number, kinds: readonly (keyof DueTimes)[], now: number): readonly DueStack[] {
    for (const [id, { writtenAt }] of entries) {
      if (clock.now() - writtenAt < KEPT_MS) break;
      entries.delete(id);
    }
    return [...entries].flatMap(([id, { times, writtenAt }]) => {
      const at = clock.now() - writtenAt < ms ? findNextDueAt(times, kinds) : undefined;
      return at === undefined || at > now ? [] : [{ id, at }];
    });
  }

  return {
    note(stackId, written) {
      entries.delete(stackId);
      const times = findDueTimes(written);
      if (Object.keys(times).length === 0) return;
      entries.set(stackId, { times, writtenAt: clock.now() });
      const [oldest] = entries.keys();
      if (entries.size > MOST && oldest !== undefined) entries.delete(oldest);
    },
    list: (kinds, now) => listSince(LAG_MS, kinds, now),
    listOwn: (kinds, now) => listSince(KEPT_MS, kinds, now),
  };
}
