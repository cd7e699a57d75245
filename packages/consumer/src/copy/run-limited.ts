/**
 * Works on items with so many at a time. The first failure, or the signal, ends it: what is under way is told to stop and
 * waited for, and only then it fails.
 */
export async function runLimited<Item>(
  items: readonly Item[],
  limit: number,
  signal: AbortSignal,
  work: (item: Item, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  const either = AbortSignal.any([signal, controller.signal]);
  const failures: unknown[] = [];
  // One iterator for all: each item is taken once.
  const left = items.values();
  async function run(): Promise<void> {
    for (const item of left) {
      if (either.aborted) return;
      try {
        await work(item, either);
      } catch (error) {
        failures.push(error);
        controller.abort();
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, run));
  if (failures.length > 0) throw failures[0];
  signal.throwIfAborted();
}
