/** What may run or fail at once: a number of instances, or a share of them such as `10%`. */
export type Share = string | number;

/** How many instances a share of so many is; parts of an instance are dropped. */
export function toCount(share: Share, total: number): number {
  const written = String(share);
  const number = Number.parseInt(written, 10);
  return written.endsWith("%") ? Math.floor((number * total) / 100) : number;
}

/** At least one, or nothing would ever be sent. */
export function toConcurrency(share: Share, total: number): number {
  return Math.max(1, toCount(share, total));
}
