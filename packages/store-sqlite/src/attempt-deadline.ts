const DAY_MS = 86_400_000;

/** An attempt that nobody has claimed ends after a day, or after its time-out when that is longer. */
export function unclaimedMs(timeoutMs: number): number {
  return Math.max(timeoutMs, DAY_MS);
}
