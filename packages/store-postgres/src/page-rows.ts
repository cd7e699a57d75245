import type { PageBuilder, PageRow } from "@stackyard/core/engine";

/** A row of a statement that `withinBytes` made. */
export interface FetchedRow {
  /** Rows that there are up to the limit, with those that the server kept back. */
  readonly fetched: number;
}

/**
 * Returns a statement that sends the rows of another one up to the first that reaches this number of bytes, so that
 * large rows never leave the server. `rows` may have its own order; `order` is the order in which they are sent.
 */
export function withinBytes(input: {
  readonly rows: string;
  readonly body: string;
  readonly order: string;
  readonly maxBytes: string;
}): string {
  const { rows, body, order, maxBytes } = input;
  return `
select * from (
  select listed.*, count(*) over () as fetched,
         coalesce(sum(octet_length(${body})) over (order by ${order} rows between unbounded preceding and 1 preceding), 0)
           as bytes_before
    from (${rows}) listed) page
 where bytes_before < ${maxBytes} order by ${order}`;
}

/** Returns the value of `maxBytes` for such a statement; the first row always fits. */
export function maxBytesOf(page: PageBuilder<unknown>): number {
  return Math.max(1, page.bytesLeft);
}

/** A row of a page, or one that the statement could not exclude: it does not count as an item of the page. */
type CheckedRow<Item> = PageRow<Item> & { readonly isLeftOut?: boolean };

/**
 * Adds rows of such a statement. Returns where the next page begins when the page is not full and more rows may follow.
 */
export function addFetched<Row extends FetchedRow, Item>(
  page: PageBuilder<Item>,
  rows: readonly Row[],
  toPageRow: (row: Row) => CheckedRow<Item>,
): string | undefined {
  let last: CheckedRow<Item> | undefined;
  let leftOut = 0;
  for (const row of rows) {
    const next = toPageRow(row);
    if (next.isLeftOut === true) leftOut += 1;
    else if (!page.add(next)) return undefined;
    last = next;
  }
  return leftOut > 0 || rows.length < (rows[0]?.fetched ?? 0) ? last?.cursor : undefined;
}
