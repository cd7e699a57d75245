import type { Item } from "./attributes.ts";
import { inParallel } from "./in-parallel.ts";
import { sizeOfItem } from "./item-size.ts";
import { parseRow, type WorkRow } from "./mutate-row.ts";
import type { StoreContext } from "./store-context.ts";
import type { WorkKey } from "./work-keys.ts";

/** An entry of an index with the row that it stands for. */
export interface ListedRow<T> {
  readonly entry: Item;
  readonly item: Item;
  /** Throws `STORE_CORRUPT` when the row cannot be read. */
  readonly read: () => T;
}

/** Rows read at a time; fewer while they are large. */
const MOST_AT_ONCE = 16;
const BYTES_AT_ONCE = 1_048_576;

/** The primary key in an entry of an index. */
export function toWorkKey(entry: Item): WorkKey {
  return { pk: entry["pk"]?.S ?? "", sk: entry["sk"]?.S ?? "" };
}

/** The rows that entries of an index stand for, in their order, read some at a time. */
export async function* loadListed<T extends WorkRow>(
  context: StoreContext,
  entries: AsyncIterable<Item>,
): AsyncGenerator<ListedRow<T>, void, undefined> {
  let atOnce = 2;
  let waiting: Item[] = [];
  for await (const entry of entries) {
    waiting.push(entry);
    if (waiting.length < atOnce) continue;
    const rows = await loadAll<T>(context, waiting);
    const largest = Math.max(1, ...rows.map(({ bytes }) => bytes));
    atOnce = Math.max(1, Math.min(2 * atOnce, MOST_AT_ONCE, Math.floor(BYTES_AT_ONCE / largest)));
    waiting = [];
    yield* rows;
  }
  yield* await loadAll<T>(context, waiting);
}

async function loadAll<T extends WorkRow>({ work }: StoreContext, entries: readonly Item[]) {
  const items = await inParallel(entries, (entry) => work.get({ ...toWorkKey(entry) }));
  return items.flatMap((item, index) => {
    const entry = entries[index];
    if (item === undefined || entry === undefined) return [];
    return [{ entry, item, bytes: sizeOfItem(item), read: (): T => parseRow<T>(item) }];
  });
}

/** The first so many; further pages are not read. */
export async function takeFirst<T>(items: AsyncIterable<T>, limit: number): Promise<readonly T[]> {
  const taken: T[] = [];
  if (limit <= 0) return taken;
  for await (const item of items) {
    taken.push(item);
    if (taken.length >= limit) break;
  }
  return taken;
}
