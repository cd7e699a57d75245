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

const PAGE = 500;
