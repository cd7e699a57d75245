import type { Page, PageInput } from "@stackyard/core/engine";

const DEFAULT_LIMIT = 100;

/** The page that a query asks for. */
export function pageInput(query: { readonly cursor?: string; readonly limit?: number }): PageInput {
  const { cursor, limit = DEFAULT_LIMIT } = query;
  return { limit, ...(cursor === undefined ? {} : { cursor }) };
}

/** A store's page as the API shows it; `index` is the item's place in the page. */
export function toPage<Item, View>(page: Page<Item>, toView: (item: Item, index: number) => View) {
  return { items: page.items.map(toView), ...(page.cursor === undefined ? {} : { cursor: page.cursor }) };
}
