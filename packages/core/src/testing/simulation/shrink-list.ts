/** Says whether what is left still does what it shall. */
export type StillFails<Value> = (candidate: Value) => Promise<boolean>;

/** As few items as possible of those that are needed: takes halves out, then quarters, then single ones. */
export async function shrinkList<Item>(
  items: readonly Item[],
  stillFails: StillFails<readonly Item[]>,
): Promise<readonly Item[]> {
  if (items.length > 0 && (await stillFails([]))) return [];
  let left = items;
  for (let size = Math.ceil(items.length / 2); size > 0; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let start = 0; start < left.length; ) {
      const candidate = [...left.slice(0, start), ...left.slice(start + size)];
      if (left.length > size && (await stillFails(candidate))) left = candidate;
      else start += size;
    }
  }
  return left;
}
