import type { DistributorContext } from "./distributor-context.ts";

type LoadPublished = DistributorContext["loadPublished"];

/** A manifest has up to some megabytes. */
const MAX = 20;

/** What was published does not change, so a version is read once for many receipts. What is not found is asked for again. */
export function rememberPublished(load: LoadPublished): LoadPublished {
  const known = new Map<string, ReturnType<LoadPublished>>();

  function forget(key: string): void {
    known.delete(key);
  }

  return async (name, version) => {
    const key = `${name}/${version}`;
    const found = known.get(key) ?? load(name, version);
    // The last used one stands last.
    known.delete(key);
    known.set(key, found);
    const [first] = known.keys();
    if (known.size > MAX && first !== undefined) forget(first);
    try {
      const published = await found;
      if (published === undefined) forget(key);
      return published;
    } catch (error) {
      forget(key);
      throw error;
    }
  };
}
