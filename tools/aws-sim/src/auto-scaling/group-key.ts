/** Where a group is found. */
export interface GroupKey {
  readonly account: string;
  readonly region: string;
  readonly name: string;
}

/** Returns the key of a group in a map. */
export function toGroupKey({ account, region, name }: GroupKey): string {
  return [account, region, name].join("\n");
}
