const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** A number of bytes as people read it, such as `1.2 GiB`. */
export function tellBytes(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 1_024 && unit < UNITS.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** A length of time in its two largest units, such as `2m 30s`. */
export function tellSeconds(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3_600), Math.floor((whole % 3_600) / 60), whole % 60];
  if (hours > 0) return minutes === 0 ? `${hours}h` : `${hours}h ${minutes}m`;
  if (minutes > 0) return rest === 0 ? `${minutes}m` : `${minutes}m ${rest}s`;
  return `${rest}s`;
}

/** `1 file`, `2 files`. */
export function tellCount(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
