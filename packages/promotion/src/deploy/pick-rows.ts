import { StackyardError } from "@stackyard/core";
import { createPageBuilder } from "@stackyard/core/engine";
import { PAGE_ROWS } from "./rows.ts";

/** Where a page of a list begins. */
export interface RowsPlace {
  /** The cursor of the page before. Missing: the list begins. */
  readonly cursor?: string | undefined;
  /** Names the rows, without dots: cursors of other rows are refused. */
  readonly list: string;
}

/** Which rows a page of a list shows. */
export interface RowsRequest<Row> extends RowsPlace {
  /** Rows of a page at most; a page ends earlier at about 1 MiB. */
  readonly limit: number;
  readonly isWanted: (row: Row) => boolean;
  /** These come before all others that were not shown. Missing: the stored order. */
  readonly isFirst?: ((row: Row) => boolean) | undefined;
}

/** A page of rows; without a cursor nothing follows. */
export interface PickedRows<Row> {
  readonly items: readonly Row[];
  readonly cursor?: string;
}

/**
 * Picks the next page of rows that change while they are listed. A cursor contains the places of all rows that were shown:
 * a row that is wanted only now, such as one that has failed since, is on the next page wherever it is stored, and a row that
 * was shown is not shown again. `pages` are the stored pages; those before `findFirstPage` may be empty. Throws `USAGE` for a
 * cursor of other rows.
 */
export function pickRows<Row>(pages: readonly (readonly Row[])[], request: RowsRequest<Row>): PickedRows<Row> {
  const { limit, list, isWanted, isFirst = () => false } = request;
  const shown = parseCursor(request);
  const open = pages.flatMap((rows, page) =>
    rows
      .map((row, index) => ({ row, place: page * PAGE_ROWS + index }))
      .filter(({ row, place }) => place >= shown.lead && !shown.others.has(place) && isWanted(row)),
  );
  const ordered = [...open.filter(({ row }) => isFirst(row)), ...open.filter(({ row }) => !isFirst(row))];
  const page = createPageBuilder<Placed<Row>>({ limit });
  for (const each of ordered) {
    const bytes = Buffer.byteLength(JSON.stringify(each.row));
    if (!page.add({ id: "", cursor: list, bytes, read: () => each })) break;
  }
  const { items, cursor: more } = page.end();
  const picked = items.map(({ row }) => row);
  if (more === undefined) return { items: picked };
  const others = new Set([...shown.others, ...items.map(({ place }) => place)]);
  return { items: picked, cursor: formatCursor(list, { lead: shown.lead, others }) };
}

interface Placed<Row> {
  readonly row: Row;
  /** Counts from 0 over all pages. */
  readonly place: number;
}

/** Returns the number of the first stored page with rows that were not shown. Throws `USAGE` for a cursor of other rows. */
export function findFirstPage(place: RowsPlace): number {
  return Math.floor(parseCursor(place).lead / PAGE_ROWS);
}

/** Places that were shown: all before `lead`, and others after it. */
interface Shown {
  readonly lead: number;
  readonly others: ReadonlySet<number>;
}

/** Formats `LIST.LEAD.BITS`: a bit for each place from the lead on, in base64url. 10,000 rows need 1,667 characters. */
function formatCursor(list: string, { lead, others }: Shown): string {
  let end = lead;
  while (others.has(end)) end += 1;
  const bits = [...others].filter((place) => place > end).map((place) => place - end);
  const bytes = new Uint8Array(Math.ceil((1 + Math.max(-1, ...bits)) / 8));
  for (const bit of bits) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (1 << (bit & 7));
  return `${list}.${end}.${Buffer.from(bytes).toString("base64url")}`;
}

function parseCursor({ cursor, list }: RowsPlace): Shown {
  if (cursor === undefined) return { lead: 0, others: new Set() };
  const [, of, end = "", text = ""] = /^([^.]+)\.(\d{1,6})\.([\w-]*)$/.exec(cursor) ?? [];
  if (of !== list) {
    const message = "The cursor does not belong to this list, or its rows were replaced.";
    throw new StackyardError("USAGE", `${message} Start again without a cursor.`);
  }
  const lead = Number(end);
  const others = [...Buffer.from(text, "base64url")].flatMap((byte, index) =>
    BITS.filter((bit) => (byte & (1 << bit)) !== 0).map((bit) => lead + index * 8 + bit),
  );
  return { lead, others: new Set(others) };
}

const BITS = [0, 1, 2, 3, 4, 5, 6, 7] as const;
