const DAY_MS = 86_400_000;

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: DAY_MS };
type Unit = keyof typeof UNIT_MS;

/** A duration as in documents, such as `10m`. */
export type DurationText = `${number}${Unit}`;

/** The texts that `parseDuration` accepts, as the text of a regular expression. */
export const DURATION_PATTERN = `^[1-9][0-9]{0,8}(?:${Object.keys(UNIT_MS).join("|")})$`;

const WHOLE = new RegExp(DURATION_PATTERN);

/**
 * Returns the milliseconds of a duration as in documents: a whole number from 1 to 999999999 and a unit, `ms`, `s`,
 * `m`, `h` or `d` (24 hours), such as `5m`. Undefined for any other text, and for a length that is not an exact number
 * of milliseconds.
 */
export function parseDuration(text: string): number | undefined {
  if (!WHOLE.test(text)) return undefined;
  // The pattern allows no other units.
  const unit = text.replace(/^[0-9]+/, "") as Unit;
  const ms = Number.parseInt(text, 10) * UNIT_MS[unit];
  return Number.isSafeInteger(ms) ? ms : undefined;
}

/**
 * Formats a length as the shortest exact duration; days only from two on, because `24h` is clearer than `1d`. Fractions
 * of a millisecond are rounded.
 */
export function formatDuration(ms: number): string {
  const whole = Math.round(ms);
  if (whole === 0) return "0s";
  if (Math.abs(whole) >= 2 * DAY_MS && whole % DAY_MS === 0) return `${whole / DAY_MS}d`;
  for (const unit of ["h", "m", "s"] as const) {
    if (whole % UNIT_MS[unit] === 0) return `${whole / UNIT_MS[unit]}${unit}`;
  }
  return `${whole}ms`;
}
