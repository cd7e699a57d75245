import { StackyardError } from "@stackyard/core";
import type { Page } from "@stackyard/core/engine";

/** A page of rows of which one more than the limit was asked for: the surplus tells that there is a next one. */
export function toPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  toCursor: (row: Row) => string,
  toItem: (row: Row) => Item,
): Page<Item> {
  const items = rows.slice(0, limit).map(toItem);
  const last = rows[limit - 1];
  return rows.length > limit && last !== undefined ? { items, cursor: toCursor(last) } : { items };
}

/** The position that a cursor stands for; undefined without one. Throws `USAGE` for text that is none. */
export function parsePosition(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw new StackyardError("USAGE", "The cursor is none of this list. Begin again without a cursor.");
}
