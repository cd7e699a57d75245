import { defined } from "@stackyard/core";
import type { Page, PageInput, UnreadableRow } from "@stackyard/core/engine";

/** A store reads some 10,000 rows for a page. It reads on this many times for a caller who may read only some rows. */
const MOST_SEARCHES = 10;
const MOST_BYTES = 1_048_576;

/**
 * Returns a page of a list that its store filters. A store ends its search after some rows, so a page would be short where others
 * have many: it is filled up, and its end says nothing of them.
 */
export async function readOn<Item, Input extends PageInput>(
  list: (page: Input) => Promise<Page<Item>>,
  input: Input,
): Promise<Page<Item>> {
  const items: Item[] = [];
  const unreadable: UnreadableRow[] = [];
  let { cursor } = input;
  for (let searches = 0; searches < MOST_SEARCHES; searches += 1) {
    const maxBytes = MOST_BYTES - JSON.stringify(items).length;
    const page = await list({ ...input, limit: input.limit - items.length, maxBytes, ...defined({ cursor }) });
    items.push(...page.items);
    unreadable.push(...(page.unreadable ?? []));
    ({ cursor } = page);
    // A page that has bytes left ended with the search.
    const hasRoom = items.length < input.limit && JSON.stringify(items).length < MOST_BYTES / 2;
    if (cursor === undefined || !hasRoom) break;
  }
  return { items, ...defined({ cursor }), ...(unreadable.length > 0 && { unreadable }) };
}
