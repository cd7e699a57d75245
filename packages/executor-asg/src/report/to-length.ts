const UNITS = [
  ["d", 86_400],
  ["h", 3_600],
  ["m", 60],
  ["s", 1],
] as const;

/** A length of time in its two largest units, such as `2m 30s`. */
export function toLength(seconds: number): string {
  let left = Math.max(0, Math.floor(seconds));
  const parts: (readonly [string, number])[] = [];
  for (const [unit, length] of UNITS) {
    const count = Math.floor(left / length);
    left -= count * length;
    if (count > 0 || parts.length > 0) parts.push([unit, count]);
  }
  const shown = parts.slice(0, 2).filter(([, count]) => count > 0);
  return shown.length === 0 ? "0s" : shown.map(([unit, count]) => `${count}${unit}`).join(" ");
}
