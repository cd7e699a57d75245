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
  /** `index` is the item's place in the page. */
  readonly toView: (item: Item, index: number) => View;
  readonly toId: (item: Item) => string;
}

/** A store's page as the API shows it. An item that cannot be shown is reported, as a row that cannot be read. */
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
