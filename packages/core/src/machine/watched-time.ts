/** When work that runs elsewhere was checked last, and how long it was unwatched before. JSON. */
export interface WatchedTime {
  /** Epoch milliseconds. */
  readonly lookedAt: number;
  readonly unwatchedMs: number;
}

/** A look that comes later than planned by at most this much was late; one that comes later was missing. */
const LATE_MS = 60_000;

/**
 * The most time without a look that does not count. An executor with a limit of its own adds it to its `timeout`, so that
 * the engine does not end an attempt that was unwatched.
 */
export const MOST_UNWATCHED_MS = 24 * 60 * 60_000;

/**
 * Notes a look at work with a limit. A worker that was away for longer than planned has not watched the work, and the
 * work could not answer: that time does not count against its limit.
 */
export function noteLook(
  before: WatchedTime | undefined,
  { now, everyMs }: { readonly now: number; readonly everyMs: number },
): WatchedTime {
  if (before === undefined) return { lookedAt: now, unwatchedMs: 0 };
  const gapMs = now - before.lookedAt;
  const missedMs = gapMs > everyMs + LATE_MS ? gapMs - everyMs : 0;
  return { lookedAt: now, unwatchedMs: Math.min(MOST_UNWATCHED_MS, before.unwatchedMs + missedMs) };
}

/** Returns true when the limit (epoch milliseconds) was reached in watched time. Decide what the look has found first. */
export function isLimitReached(limitAt: number, { lookedAt, unwatchedMs }: WatchedTime): boolean {
  return lookedAt >= limitAt + unwatchedMs;
}

/** A time in which no process of the yard looked. Epoch milliseconds. */
export interface Absence {
  readonly from: number;
  readonly until: number;
}

/** Returns how much of the time since an instant was unwatched, up to the most that does not count. */
export function sumUnwatched(
  absences: readonly Absence[],
  { since, now }: { readonly since: number; readonly now: number },
) {
  const sumMs = absences.reduce(
    (sum, { from, until }) => sum + Math.max(0, Math.min(until, now) - Math.max(from, since)),
    0,
  );
  return Math.min(MOST_UNWATCHED_MS, sumMs);
}
