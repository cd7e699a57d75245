import { RecentMap } from "@stackyard/core";

/** Values by key that are loaded again after a time. */
export type Cache<Value> = (key: string, load: () => Promise<Value>) => Promise<Value>;

const MOST_CACHED = 1_000;

/** Creates a cache that returns a value for so long. Of too many values, the oldest is forgotten. */
export function createCache<Value>(keepMs: number, now: () => number): Cache<Value> {
  const values = new RecentMap<string, { readonly value: Value; readonly until: number }>(MOST_CACHED);
  return async (key, load) => {
    const known = values.get(key);
    if (known !== undefined && known.until > now()) return known.value;
    const value = await load();
    values.set(key, { value, until: now() + keepMs });
    return value;
  };
}
