/** A limit of what is sent at once or of failures: a number of rows, or a share such as `10%`. */
export type Share = string | number;

/** Returns the number of rows in a share, rounded down. */
export function toCount(share: Share, total: number): number {
  const written = String(share);
  const number = Number.parseInt(written, 10);
  return written.endsWith("%") ? Math.floor((number * total) / 100) : number;
}

/** Returns the concurrency: at least one, or nothing would ever be sent. */
export function toConcurrency(share: Share, total: number): number {
  return Math.max(1, toCount(share, total));
}
