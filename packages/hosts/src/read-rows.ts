import { isMap } from "@stackyard/core";
import type { Static, TSchema } from "typebox";
import { Check } from "typebox/value";

/** The rows of a list from outside. */
interface ReadRows<Row> {
  readonly read: readonly Row[];
  /** The numbers of rows that do not have the shape; undefined for one without a number. */
  readonly unread: readonly (number | undefined)[];
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
