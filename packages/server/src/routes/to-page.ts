import { defined } from "@stackyard/core";
import type { Page, PageInput, UnreadableRow } from "@stackyard/core/engine";

const DEFAULT_LIMIT = 100;

/** Returns the page that a query requests. */
export function pageInput(query: { readonly cursor?: string; readonly limit?: number }): PageInput {
  const { cursor, limit = DEFAULT_LIMIT } = query;
  return { limit, ...defined({ cursor }) };
}

/** How a list shows its items. */
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
