import { StackyardError } from "../errors/stackyard-error.ts";
import type { Page, StoredRecord } from "./records.ts";

/** Reads the records of a page. Those for which `read` returns undefined are reported as rows that cannot be read. */
export function readRecords<Item>(
  { items, unreadable = [], ...rest }: Page<StoredRecord>,
  read: (record: StoredRecord) => Item | undefined,
): Page<Item> {
  const found = items.map((record) => ({ id: record.key, item: read(record) }));
  const damaged = [
    ...unreadable,
    ...found.flatMap(({ id, item }) => (item === undefined ? [{ id, reason: REASON }] : [])),
  ];
  return {
    ...rest,
    items: found.flatMap(({ item }) => (item === undefined ? [] : [item])),
    ...(damaged.length > 0 && { unreadable: damaged }),
  };
}

/** Reads the records of a page for a caller that cannot do without any. Throws `STORE_CORRUPT` with the name of the first. */
export function requireRecords<Item>(
  page: Page<StoredRecord>,
  read: (record: StoredRecord) => Item | undefined,
): readonly Item[] {
  const { items, unreadable: [damaged] = [] } = readRecords(page, read);
  if (damaged !== undefined) throw corruptRecord(damaged.id);
  return items;
}

/** Returns the error for a record that nothing can be decided without. */
export function corruptRecord(key: string): StackyardError {
  return new StackyardError("STORE_CORRUPT", `The record "${key}" cannot be read. ${REASON}`);
}

const REASON = "The record is damaged, or was written by another version.";
