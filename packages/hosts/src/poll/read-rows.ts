import { isMap, StackyardError } from "@stackyard/core";
import type { Static, TSchema } from "typebox";
import { Check } from "typebox/value";

/** The rows of a list from outside. */
interface ReadRows<Row> {
  readonly read: readonly Row[];
  /** The numbers of rows that do not have the shape; undefined for one without a number. */
  readonly unread: readonly (number | undefined)[];
}

/** Is called with the numbers of rows that cannot be read; undefined for one without a number. */
export type WarnOfRows = (list: string, ids: readonly (number | undefined)[]) => void;

/** A list from outside, and who is warned of rows that cannot be read. */
interface WarnedList {
  /** Such as `comments of acme/shop#7`. */
  readonly list: string;
  readonly warn: WarnOfRows;
}

/** Returns the rows that can be read, and warns of the others. Throws `SERVER_ERROR` for what is not a list. */
export function readWarned<Schema extends TSchema>(
  schema: Schema,
  rows: unknown,
  { list, warn }: WarnedList,
): readonly Static<Schema>[] {
  if (!Array.isArray(rows)) throw new StackyardError("SERVER_ERROR", `The host sent no list: ${list}.`);
  const { read, unread } = readRows(schema, rows, "id");
  if (unread.length > 0) warn(list, unread);
  return read;
}

/** Returns the rows of a list that can be read. One that cannot does not hide the others. */
export function readRows<Schema extends TSchema>(
  schema: Schema,
  rows: readonly unknown[],
  numberKey: string,
): ReadRows<Static<Schema>> {
  const read: Static<Schema>[] = [];
  const unread: (number | undefined)[] = [];
  for (const row of rows) {
    if (Check(schema, row)) read.push(row);
    else unread.push(findNumber(row, numberKey));
  }
  return { read, unread };
}

function findNumber(row: unknown, key: string): number | undefined {
  const number = isMap(row) ? row[key] : undefined;
  return typeof number === "number" && Number.isSafeInteger(number) ? number : undefined;
}
