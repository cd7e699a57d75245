// The server's clock counts: a laptop's may be minutes off.
let offsetMs = 0;
let stoppedAt: number | undefined;

/** Takes over the server's clock from the `date` header of an answer. */
export function setServerDate(date: string | null): void {
  const ms = Date.parse(date ?? "");
  if (!Number.isNaN(ms)) offsetMs = ms - Date.now();
}

/** Stops the clock, in a page that shows what was: ages are those of then. */
export function stopClock(at: string): void {
  stoppedAt = Date.parse(at);
}

/** Converts an instant of this browser's clock, so that it compares with the server's. */
export function toServerTime(ms: number): number {
  return ms + offsetMs;
}

/** Returns the server's present time in milliseconds. */
export function serverNow(): number {
  return stoppedAt ?? toServerTime(Date.now());
}
