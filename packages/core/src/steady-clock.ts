/** The earlier readings of a clock. */
export interface SeenClock {
  readonly seenAt: number;
  /** Since when it has run without a jump. */
  readonly steadySince: number;
  /** When it last jumped forward; missing for a clock that never did. */
  readonly jumpedAt?: number;
}

/** The result of a reading. */
export interface ClockReading {
  readonly clock: SeenClock;
  /** By more than `LONGEST_GAP_MS`, in either direction, or it was not read for as long. */
  readonly hasJumped: boolean;
  /** True if things that are old by this clock may be removed for good. */
  readonly isSteady: boolean;
}

/** A clock that jumps by more is not trusted for as long: what is removed by a wrong clock is lost. */
export const LONGEST_GAP_MS = 86_400_000;

/**
 * Reads a clock. All that removes rows by their age asks it, and keeps `clock` in the store for the next reading. A
 * process cannot distinguish a wrong clock from a pause, so both wait for a day.
 */
export function readClock(seen: SeenClock | undefined, now: number): ClockReading {
  const before = seen ?? { seenAt: now, steadySince: now };
  const hasJumped = Math.abs(now - before.seenAt) > LONGEST_GAP_MS;
  const steadySince = hasJumped ? now : before.steadySince;
  const jumpedAt = now - before.seenAt > LONGEST_GAP_MS ? now : before.jumpedAt;
  const clock = { seenAt: now, steadySince, ...(jumpedAt !== undefined && { jumpedAt }) };
  return { clock, hasJumped, isSteady: now - steadySince >= LONGEST_GAP_MS };
}
