import type { Page } from "@stackyard/sdk";

/** The pages of a list, one after the other, until the end or so many items. */
export async function* readPages<Item>(
  load: (page: { readonly limit: number; readonly cursor?: string }) => Promise<Page<Item>>,
  limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<readonly Item[], void> {
  let left = limit;
  let cursor: string | undefined;
  do {
    const page = await load({ limit: Math.min(left, PAGE), ...(cursor === undefined ? {} : { cursor }) });
    yield page.items;
    left -= page.items.length;
    cursor = page.cursor;
  } while (cursor !== undefined && left > 0);
}

/** All items of the pages, at most so many. */
export async function readAll<Item>(
  load: Parameters<typeof readPages<Item>>[0],
  limit?: number,
): Promise<readonly Item[]> {
  const items: Item[] = [];
  for await (const page of readPages(load, limit)) items.push(...page);
  return items;
}

const PAGE = 500;
