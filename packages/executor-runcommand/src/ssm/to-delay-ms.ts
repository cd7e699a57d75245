/** So often a call is tried. */
export const MAX_ATTEMPTS = 10;

const FIRST_MS = 200;
const CAP_MS = 20_000;

/** The pause after so many tries: from 200 ms, twice as long each time, at most 20 s, and any part of it (full jitter). */
export function toDelayMs(attempts: number, random: number): number {
  return Math.floor(random * Math.min(CAP_MS, FIRST_MS * 2 ** (attempts - 1)));
}
