const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

/** How long ago an instant was, in its largest two units: `3d 4h`, `12s`. */
export function toAge(at: string, now: number): string {
  let left = Math.max(0, now - Date.parse(at));
  const parts: string[] = [];
  for (const [unit, ms] of UNITS) {
    const count = Math.floor(left / ms);
    left -= count * ms;
    if (count > 0 || parts.length > 0) parts.push(`${count}${unit}`);
  }
  const shown = parts.slice(0, 2).filter((part) => !part.startsWith("0"));
  return shown.length === 0 ? "0s" : shown.join(" ");
}
