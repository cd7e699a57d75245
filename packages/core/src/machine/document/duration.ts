const PATTERN = /^([1-9][0-9]{0,8})(ms|s|m|h|d)$/;

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const DAY_MS = 86_400_000;

/**
 * Returns the milliseconds of a duration as in documents: a whole number from 1 to 999999999 and a unit, `ms`, `s`,
 * `m`, `h` or `d` (24 hours), such as `5m`. Undefined for any other text, and for a length that is not an exact number
 * of milliseconds.
 */
export function parseDuration(text: string): number | undefined {
  const [, digits, unit] = PATTERN.exec(text) ?? [];
  if (digits === undefined || unit === undefined) return undefined;
  const ms = Number(digits) * (UNIT_MS[unit] ?? Number.NaN);
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
  for (const unit of ["h", "m", "s"]) {
    const length = UNIT_MS[unit] ?? 1;
    if (whole % length === 0) return `${whole / length}${unit}`;
  }
  return `${whole}ms`;
}
