import type { Clock, Store } from "@stackyard/core";

const SECOND_MS = 1_000;
/** Loops that look each second pause for a little less at a time. */
const SHORTEST_PAUSE_MS = 900;
const LONGEST_PAUSE_MS = 60_000;
const KINDS: Parameters<Store["nextDueAt"]>[0] = [
  "event",
  "task",
  "timer",
  "deadline",
  "poll",
  "parked",
  "lapsedLease",
];

/**
 * Returns a clock for loops that look at the store each second. Seconds in which they could find nothing are one pause: it
 * ends at the second in which the loop would have found a change or something due, at the latest after a minute.
 */
export function createIdleClock(clock: Clock, store: Pick<Store, "nextDueAt" | "watch">): Clock {
  async function sleepIdle(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const from = clock.now();
    const changed = new AbortController();
    const stop = store.watch(() => changed.abort());
    const dueAt = (await store.nextDueAt(KINDS)) ?? Number.POSITIVE_INFINITY;
    const ends = signal === undefined ? changed.signal : AbortSignal.any([signal, changed.signal]);
    await clock.sleep(toPause(ms, Math.min(dueAt - from, LONGEST_PAUSE_MS)), ends);
    stop();
    if (changed.signal.aborted) await clock.sleep(toPause(ms, clock.now() - from) - (clock.now() - from), signal);
  }

  return {
    now: clock.now,
    sleep: (ms, signal) => (ms < SHORTEST_PAUSE_MS ? clock.sleep(ms, signal) : sleepIdle(ms, signal)),
  };
}

/** Returns the pause, longer by the whole seconds until that time. */
function toPause(ms: number, untilMs: number): number {
  return ms + SECOND_MS * Math.max(0, Math.ceil((untilMs - ms) / SECOND_MS));
}
