import { defined } from "@stackyard/core";
import { createPageBuilder, type Page, type PageInput, type UnreadableRow } from "@stackyard/core/engine";

const DEFAULT_LIMIT = 100;

/** Returns the page that a query requests. */
export function pageInput(query: { readonly cursor?: string; readonly limit?: number }): PageInput {
  const { cursor, limit = DEFAULT_LIMIT } = query;
  return { limit, ...defined({ cursor }) };
}

/** Returns the part of a list in order of names that begins after the cursor and fits into a page. */
export function pageByName<Item extends { readonly name: string }>(
  items: readonly Item[],
  { limit, cursor = "" }: PageInput,
): Page<Item> {
  const page = createPageBuilder<Item>({ limit });
  for (const item of items.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const { name } = item;
    const bytes = Buffer.byteLength(JSON.stringify(item));
    if (name > cursor && !page.add({ id: name, cursor: name, bytes, read: () => item })) break;
  }
  return page.end();
}

/** The view of a list's items. */
export interface ItemView<Item, View> {
  /** Converts an item; `index` is its place in the page. */
  readonly toView: (item: Item, index: number) => View;
  readonly toId: (item: Item) => string;
}

/** Converts a store's page to the API's format. Reports an item that cannot be converted as an unreadable row. */
export function toPage<Item, View>(page: Page<Item>, { toView, toId }: ItemView<Item, View>) {
  const items: View[] = [];
  const unreadable: UnreadableRow[] = [...(page.unreadable ?? [])];
  for (const [index, item] of page.items.entries()) {
    try {
      items.push(toView(item, index));
    } catch (error) {
      unreadable.push({ id: toId(item), reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return {
    items,
    ...defined({ cursor: page.cursor }),
    ...(unreadable.length === 0 ? {} : { unreadable }),
  };
}
