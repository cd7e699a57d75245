const FIRST_MS = 5_000;
const CAP_MS = 30_000;

/** The pause before the next look: five seconds after something was sent, growing to thirty. */
export function toPollMs(polls: number): number {
  return Math.min(CAP_MS, Math.round(FIRST_MS * 1.5 ** polls));
}
