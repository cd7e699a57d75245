/** Entries of one cache: machines, revisions. */
const LIMIT = 1_000;

/** Sets an entry, and evicts the oldest one when there are too many. */
export function remember<Value>(cache: Map<string, Value>, key: string, value: Value): void {
  if (cache.size >= LIMIT && !cache.has(key)) {
    const oldest = cache.keys().next();
    if (!oldest.done) cache.delete(oldest.value);
  }
  cache.set(key, value);
}
