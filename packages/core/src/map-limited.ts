/**
 * Maps items with at most `limit` calls at a time and returns the results in order. After a failure no call starts; the
 * running ones are awaited, and then the first error is thrown.
 */
export async function mapLimited<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item, index: number) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const failures: unknown[] = [];
  // All lanes share one iterator, so each item is processed once.
  const left = items.entries();
  async function run(): Promise<void> {
    for (const [index, item] of left) {
      if (failures.length > 0) return;
      try {
        results[index] = await work(item, index);
      } catch (error) {
        failures.push(error);
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, run));
  if (failures.length > 0) throw failures[0];
  return results;
}

/**
 * Maps items as `mapLimited` does, but the first failure, or the signal, also aborts the running calls. Throws when the
 * signal was aborted, also if no call failed.
 */
export async function mapOrAbort<Item, Result>(
  items: readonly Item[],
  limit: number,
  signal: AbortSignal,
  work: (item: Item, signal: AbortSignal) => Promise<Result>,
): Promise<readonly Result[]> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const results = await mapLimited(items, limit, async (item) => {
    either.throwIfAborted();
    try {
      return await work(item, either);
    } catch (error) {
      failed.abort();
      throw error;
    }
  });
  signal.throwIfAborted();
  return results;
}
