/** The offset of the server's clock from this machine's, by its last answer. */
let offsetMs = 0;

/** Takes over the server's clock from the `date` header of an answer. */
export function setServerDate(date: string | null): void {
  const ms = Date.parse(date ?? "");
  if (!Number.isNaN(ms)) offsetMs = ms - Date.now();
}

/** Returns the server's present time in milliseconds: ages of what it reports are counted by its own clock. */
export function serverNow(): number {
  return Date.now() + offsetMs;
}
