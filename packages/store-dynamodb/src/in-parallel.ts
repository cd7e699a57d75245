const WIDTH = 16;

/** Runs over all items, at most 16 at a time; results in their order. The first error ends it. */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  run: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  async function work(): Promise<void> {
    for (let index = next++; index < items.length; index = next++) {
      const item = items[index];
      if (item !== undefined) results[index] = await run(item, index);
    }
  }
  await Promise.all(Array.from({ length: Math.min(WIDTH, items.length) }, work));
  return results;
}
