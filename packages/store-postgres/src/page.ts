import { StackyardError } from "@stackyard/core";
import type { PageBuilder, PageRow } from "@stackyard/core/engine";

/** A row of a statement that `withinBytes` made. */
export interface FetchedRow {
  /** Rows that there are up to the limit, with those that the server kept back. */
  readonly fetched: number;
}

/**
 * The text of a statement that sends the rows of another one up to the first that reaches so many bytes, so that large
 * rows never leave the server. `rows` may have an order of its own; `order` is what they are sent in.
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

/** What such a statement is given for `maxBytes`; the first row always fits. */
export function maxBytesOf(page: PageBuilder<unknown>): number {
  return Math.max(1, page.bytesLeft);
}

/** Adds rows of such a statement. Returns where the next page begins when the server kept rows back. */
export function addFetched<Row extends FetchedRow, Item>(
  page: PageBuilder<Item>,
  rows: readonly Row[],
  toPageRow: (row: Row) => PageRow<Item>,
): string | undefined {
  let last: PageRow<Item> | undefined;
  for (const row of rows) {
    const next = toPageRow(row);
    if (!page.add(next)) return undefined;
    last = next;
  }
  return rows.length < (rows[0]?.fetched ?? 0) ? last?.cursor : undefined;
}

/** The position that a cursor stands for; undefined without one. Throws `USAGE` for text that is none. */
export function parsePosition(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw new StackyardError("USAGE", "The cursor is none of this list. Begin again without a cursor.");
}

/** An upper bound of all texts with that beginning; U+10FFFF is no character. */
export function afterPrefix(prefix: string): string {
  return `${prefix}\u{10ffff}`;
}
