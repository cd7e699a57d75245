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

/** The rows that are looked at together: most callers may read all of them. */
const LOOK = 100;

/**
 * Returns a page of what a caller may read. Its cursor names the last item of the page, and never one that was left out:
 * a cursor is content, too. Reads on until the page is full or the list has ended.
 */
export async function pageOfReadable<Item, View>(
  { list, show }: PartlyReadable<Item, View>,
  { limit, cursor }: PageInput,
): Promise<Page<View>> {
  const items: View[] = [];
  const unreadable: UnreadableRow[] = [];
  let start: PageStart = defined({ cursor });
  let look = Math.max(limit, LOOK);
  for (;;) {
    const page = await list({ limit: look, ...start });
    const shown = await show(page.items);
    const places = shown.views.flatMap((view, place) => (view === undefined ? [] : [place]));
    const last = places[limit - items.length - 1];
    // Once more, only up to the item that fills the page: the cursor is then its own.
    if (last !== undefined && last + 1 < page.items.length) {
      look = last + 1;
      continue;
    }
    items.push(...shown.views.flatMap((view) => (view === undefined ? [] : [view])));
    unreadable.push(...(page.unreadable ?? []), ...(shown.unreadable ?? []));
    if (page.cursor === undefined || last !== undefined) {
      const rest = defined({ cursor: page.cursor });
      return { items, ...rest, ...(unreadable.length > 0 && { unreadable }) };
    }
    start = { cursor: page.cursor };
    look = Math.max(limit - items.length, LOOK);
  }
}
