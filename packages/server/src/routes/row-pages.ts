import { StackyardError } from "@stackyard/core";

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

/** Collects rows from a cursor on; `next` is the cursor of the rows that follow. Throws `USAGE` for another list's cursor. */
export async function collectRows<Row>({ cursor, limit, isWanted, load }: RowsPart<Row>) {
  const { page: first, row: begin } = parseCursor(cursor);
  const items: Row[] = [];
  let page = first;
  for await (const rows of load(first)) {
    for (const [index, row] of rows.entries()) {
      if ((page === first && index < begin) || !isWanted(row)) continue;
      if (items.length === limit) return { items, next: `${page}.${index}` };
      items.push(row);
    }
    page += 1;
  }
  return { items, next: undefined };
}

function parseCursor(cursor = "0.0"): RowPlace {
  const [, page, row] = /^(\d{1,4})\.(\d{1,4})$/.exec(cursor) ?? [];
  if (page !== undefined && row !== undefined) return { page: Number(page), row: Number(row) };
  throw new StackyardError("USAGE", "The cursor does not belong to this list. Start again without a cursor.");
}
