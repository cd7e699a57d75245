import { defined, type PageStart } from "@stackyard/core";
import type { Page, PageInput, UnreadableRow } from "@stackyard/core/engine";

/** A list of which a caller may read a part. */
interface PartlyReadable<Item, View> {
  readonly list: (page: PageInput) => Promise<Page<Item>>;
  /** Returns what the caller sees of each item, in their order; undefined for an item that it may not read. */
  readonly show: (items: readonly Item[]) => Promise<Shown<View>>;
}

/** What a caller sees of some items. */
interface Shown<View> {
  readonly views: readonly (View | undefined)[];
  /** Rows behind the items that cannot be read. */
  readonly unreadable?: readonly UnreadableRow[];
}

/** The rows that are checked together: most callers may read all of them. */
const LOOK = 100;
/** Rows of others that are skipped for one page. After them it may be short, or empty, and has a cursor. */
const MOST_LOOKED = 10_000;
const MOST_BYTES = 1_048_576;

/**
 * Returns a page of what a caller may read: full or the last one, and with a cursor only if more follows that the caller may
 * read, so that its length and its cursor say nothing of the rest. Reads on until this is known, or `MOST_LOOKED` rows were seen.
 */
export async function pageOfReadable<Item, View>(
  source: PartlyReadable<Item, View>,
  { limit, cursor }: PageInput,
): Promise<Page<View>> {
  const items: View[] = [];
  const unreadable: UnreadableRow[] = [];
  const toResult = (next: string | undefined): Page<View> => {
    return { items, ...defined({ cursor: next }), ...(unreadable.length > 0 && { unreadable }) };
  };
  let start: PageStart = defined({ cursor });
  for (let looked = 0; looked < MOST_LOOKED; looked += Math.max(limit, LOOK)) {
    const part = await takePart(source, start, { taken: items, limit });
    items.push(...part.items);
    unreadable.push(...part.unreadable);
    if (part.cursor === undefined) return toResult(undefined);
    if (part.isFull) return toResult((await hasReadable(source, part.cursor)) ? part.cursor : undefined);
    start = { cursor: part.cursor };
  }
  return toResult(start.cursor);
}

interface TakenPart<View> extends Page<View> {
  readonly unreadable: readonly UnreadableRow[];
  /** True when the page has no room for another item. */
  readonly isFull: boolean;
}

/** Looks at some rows of the list, and takes those that fit into the page. */
async function takePart<Item, View>(
  { list, show }: PartlyReadable<Item, View>,
  start: PageStart,
  { taken, limit }: { readonly taken: readonly View[]; readonly limit: number },
): Promise<TakenPart<View>> {
  const look = async (rows: number) => {
    const page = await list({ limit: rows, ...start });
    return { page, ...(await show(page.items)) };
  };
  let found = await look(Math.max(limit - taken.length, LOOK));
  const end = findEnd(found.views, taken, limit);
  if (end === 0) return { items: [], unreadable: [], isFull: true, ...start };
  const isCut = end !== undefined && taken.length + listReadable(found.views.slice(0, end)).length < limit;
  // Once more, only up to the item that fills the page: the cursor is then its own.
  if (end !== undefined && end < found.page.items.length) found = await look(end);
  const { page, views, unreadable = [] } = found;
  const items = listReadable(views);
  return {
    items,
    unreadable: [...(page.unreadable ?? []), ...unreadable],
    // A list that filters has fewer items than rows, also the second time.
    isFull: isCut || taken.length + items.length >= limit,
    ...defined({ cursor: page.cursor }),
  };
}

function listReadable<View>(views: readonly (View | undefined)[]): readonly View[] {
  return views.filter((view) => view !== undefined);
}

/** Returns how many of these rows belong to the page that they fill; undefined when there is room after all of them. */
function findEnd<View>(
  views: readonly (View | undefined)[],
  taken: readonly View[],
  limit: number,
): number | undefined {
  let count = taken.length;
  let bytes = JSON.stringify(taken).length;
  for (const [index, view] of views.entries()) {
    if (view === undefined) continue;
    bytes += JSON.stringify(view).length;
    if (count > 0 && bytes > MOST_BYTES) return index;
    count += 1;
    if (count === limit) return index + 1;
  }
  return undefined;
}

/** Returns true if the caller may read something after a cursor, or if this is not known after `MOST_LOOKED` rows. */
async function hasReadable<Item, View>({ list, show }: PartlyReadable<Item, View>, after: string): Promise<boolean> {
  let cursor = after;
  for (let looked = 0; looked < MOST_LOOKED; looked += LOOK) {
    const page = await list({ limit: LOOK, cursor });
    const { views } = await show(page.items);
    if (views.some((view) => view !== undefined)) return true;
    if (page.cursor === undefined) return false;
    cursor = page.cursor;
  }
  return true;
}
