/** Returns a duration with its two largest units: `45s`, `3m 5s`, `2h`, `4d 3h`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const units: [string, number][] = [
    ["d", Math.floor(seconds / 86_400)],
    ["h", Math.floor(seconds / 3_600) % 24],
    ["m", Math.floor(seconds / 60) % 60],
    ["s", seconds % 60],
  ];
  const first = units.findIndex(([, count]) => count > 0);
  if (first === -1) return "0s";
  const shown = units.slice(first, first + 2).filter(([, count]) => count > 0);
  return shown.map(([unit, count]) => `${count}${unit}`).join(" ");
}

/** How instants are shown. */
export type Zone = "utc" | "local";

/** Returns the time of an instant on its day: `03:12:04`. */
export function formatTime(instant: string | number | Date, zone: Zone): string {
  return format(instant, zone, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

/** Returns an instant with its date: `2026-11-20 03:12:04`. */
export function formatInstant(instant: string | number | Date, zone: Zone): string {
  return format(instant, zone, {
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
}

function format(instant: string | number | Date, zone: Zone, fields: Intl.DateTimeFormatOptions): string {
  const date = new Date(instant);
  if (Number.isNaN(date.getTime())) return String(instant);
  // Swedish writes ISO dates and 24 hours.
  return new Intl.DateTimeFormat("sv-SE", { ...fields, ...(zone === "utc" && { timeZone: "UTC" }) }).format(date);
}
