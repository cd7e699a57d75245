import { fromItem, type Item } from "./attributes.ts";
import { inParallel } from "./in-parallel.ts";
import { loadRowAt, type WorkRow } from "./mutate-row.ts";
import type { StoreContext } from "./store-context.ts";
import type { WorkKey } from "./work-keys.ts";

const AT_ONCE = 16;

/** The primary key in an entry of an index. */
export function toWorkKey(entry: Item): WorkKey {
  const { pk, sk } = fromItem(entry);
  return { pk: String(pk), sk: String(sk) };
}

/** The rows that entries of an index stand for, in their order, read some at a time. */
export async function* loadListed<T extends WorkRow>(
  context: StoreContext,
  entries: AsyncIterable<Item>,
): AsyncGenerator<T, void, undefined> {
  let keys: WorkKey[] = [];
  for await (const entry of entries) {
    keys.push(toWorkKey(entry));
    if (keys.length < AT_ONCE) continue;
    yield* await loadAll<T>(context, keys);
    keys = [];
  }
  yield* await loadAll<T>(context, keys);
}

async function loadAll<T extends WorkRow>(context: StoreContext, keys: readonly WorkKey[]): Promise<readonly T[]> {
  const rows = await inParallel(keys, (key) => loadRowAt<T>(context, key));
  return rows.flatMap((row) => row ?? []);
}
