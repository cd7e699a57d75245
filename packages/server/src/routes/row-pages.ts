import { StackyardError } from "@stackyard/core";
import { createPageBuilder, type Page, type PageRow } from "@stackyard/core/engine";

/** A row by the number of its page and its number there, from 0. As a cursor `3.17`. */
interface RowPlace {
  readonly page: number;
  readonly row: number;
}

/** A part of a list whose rows are stored in pages. */
interface RowsPart<Row> {
  readonly cursor: string | undefined;
  readonly limit: number;
  readonly isWanted: (row: Row) => boolean;
  /** Yields the pages from this one on. */
  readonly load: (first: number) => AsyncIterable<readonly Row[]>;
}

/** Stored pages that are read for one page of the list: of a filter, few rows may fit. */
export const MOST_PAGES = 10;

/**
 * Collects rows from a cursor on: up to the limit, about 1 MiB, and the rows of 10 stored pages, so a page may be short or
 * empty and have a cursor. Throws `USAGE` for another list's cursor.
 */
export async function collectRows<Row>({ cursor, limit, isWanted, load }: RowsPart<Row>): Promise<Page<Row>> {
  const { page: first, row: begin } = parseCursor(cursor);
  const collected = createPageBuilder<Row>({ limit });
  let page = first;
  for await (const rows of load(first)) {
    const placed = rows.map((row, index) => ({ row, cursor: `${page}.${index + 1}` }));
    const open = placed.slice(page === first ? begin : 0).filter(({ row }) => isWanted(row));
    if (!open.every(({ row, cursor: after }) => collected.add(toPageRow(row, after)))) return collected.end();
    page += 1;
    if (page - first === MOST_PAGES) return collected.end(`${page}.0`);
  }
  return collected.end();
}

function toPageRow<Row>(row: Row, cursor: string): PageRow<Row> {
  return { id: cursor, cursor, bytes: Buffer.byteLength(JSON.stringify(row)), read: () => row };
}

function parseCursor(cursor = "0.0"): RowPlace {
  const [, page, row] = /^(\d{1,4})\.(\d{1,4})$/.exec(cursor) ?? [];
  if (page !== undefined && row !== undefined) return { page: Number(page), row: Number(row) };
  throw new StackyardError("USAGE", "The cursor does not belong to this list. Start again without a cursor.");
}
