import { StackyardError } from "../errors/stackyard-error.ts";
import { defined } from "../machine/json.ts";
import {
  createPageBuilder,
  foreignCursor,
  type PageBuilder,
  type PutRecordInput,
  type Records,
  type StoredRecord,
} from "./records.ts";
import { type PortCalls, parseStored } from "./store-helpers.ts";

/** A record as a store keeps it; it may have expired. */
export interface RecordRow {
  readonly key: string;
  readonly version: number;
  /** The value as JSON, or why the row cannot be read. */
  readonly text: string | Error;
  readonly expiresAt?: number | null | undefined;
}

/** One conditional write of a row. The condition is that of `PutRecordInput`. */
export interface RecordWrite extends Omit<PutRecordInput, "value"> {
  readonly text: string;
}

/** The result of a write: the new version, or the row that is there now. */
export type RecordWriteResult =
  | { readonly kind: "written"; readonly version: number }
  | { readonly kind: "conflict"; readonly current: RecordRow | undefined };

/** Which rows to scan: those with keys that begin with `prefix` and come after `after`. */
export interface RecordScan {
  readonly prefix: string;
  /** Begins with the prefix, or is empty: from the first row on. */
  readonly after: string;
  /** Rows to read at most: those of the page, and the one after it. */
  readonly limit: number;
  /** Rows that have expired by then may be left out. */
  readonly now: number;
}

/** The page that a scan fills. */
export interface RecordRowsPage extends Pick<PageBuilder<never>, "bytesLeft"> {
  /** Returns false when the page is full: the scan ends. */
  add(row: RecordRow): boolean;
}

/** The operations of a store on its rows, of which `createRecords` makes records. Keys are valid. */
export interface RecordRows {
  /** Finds the row. May return an expired one. */
  find(key: string): Promise<RecordRow | undefined>;
  /** Writes if the condition holds, in one atomic step. The version is new for the key, also after a removal. */
  write(write: RecordWrite): Promise<RecordWriteResult>;
  /** Removes the row, in one atomic step. Returns false if it has another version. */
  remove(key: string, expected: number): Promise<boolean>;
  /**
   * Adds rows to the page in order of their keys. Returns the last key if it ended before the list and the page may have
   * room left.
   */
  scan(scan: RecordScan, page: RecordRowsPage): Promise<string | undefined>;
}

/** Creates records over the rows of a store. */
export function createRecords(rows: PortCalls<RecordRows>): Records {
  return {
    async get(key, now) {
      checkKey(key);
      return toPresentRecord(await rows.find(key), now);
    },
    async put({ value, ...input }) {
      const { key, expiresAt, now } = input;
      const text = toText(key, value);
      const result = await rows.write({ ...input, text });
      if (result.kind === "conflict") return { kind: "conflict", current: toPresentRecord(result.current, now) };
      return { kind: "written", record: toRecord({ key, version: result.version, text, expiresAt }) };
    },
    async remove(key, expected) {
      checkKey(key);
      return rows.remove(key, expected);
    },
    async list(prefix, { now, cursor = "", ...limits }) {
      if (cursor !== "" && !cursor.startsWith(prefix)) throw foreignCursor();
      const found = createPageBuilder<StoredRecord>(limits);
      const page: RecordRowsPage = {
        get bytesLeft() {
          return found.bytesLeft;
        },
        add: (row) => isExpired(row, now) || found.add(toPageRow(row)),
      };
      return found.end(await rows.scan({ prefix, after: cursor, limit: limits.limit + 1, now }, page));
    },
  };
}

/** Returns true if a write may replace the row, for stores that read it first. */
export function isExpected(
  row: RecordRow | undefined,
  { expected, now }: Pick<RecordWrite, "expected" | "now">,
): boolean {
  return (row === undefined || isExpired(row, now) ? "absent" : row.version) === expected;
}

/** Returns true for a row that counts as absent. */
export function isExpired({ expiresAt }: RecordRow, now: number): boolean {
  return (expiresAt ?? Number.POSITIVE_INFINITY) <= now;
}

function toPresentRecord(row: RecordRow | undefined, now: number): StoredRecord | undefined {
  return row === undefined || isExpired(row, now) ? undefined : toRecord(row);
}

/** Converts a row. Throws `STORE_CORRUPT` for one that cannot be read. */
function toRecord({ key, version, text, expiresAt }: RecordRow): StoredRecord {
  if (text instanceof Error) throw text;
  const value = parseStored.json(text, `record ${JSON.stringify(key)}`);
  return { key, version, value, ...defined({ expiresAt: expiresAt ?? undefined }) };
}

function toPageRow(row: RecordRow) {
  const { key, text } = row;
  // A damaged row may contain something other than text.
  const bytes = typeof text === "string" ? Buffer.byteLength(text) : 0;
  return { id: key, cursor: key, bytes, read: () => toRecord(row) };
}

const MAX_RECORD_BYTES = 256 * 1024;
const MAX_KEY_LENGTH = 512;
const UNUSABLE = /[\p{Cc}\p{Cs}]/u;

/** Throws `USAGE` for a key that no record may have. */
function checkKey(key: string): void {
  if (key.length > 0 && key.length <= MAX_KEY_LENGTH && !UNUSABLE.test(key)) return;
  const message = `A record's key has 1 to ${MAX_KEY_LENGTH} characters, no control characters and no unpaired surrogates.`;
  throw new StackyardError("USAGE", message);
}

/** Serializes a record's value. Throws `USAGE` for a bad key or a value that is not JSON, and `PAYLOAD_TOO_LARGE`. */
function toText(key: string, value: unknown): string {
  checkKey(key);
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) throw new StackyardError("USAGE", `The value of the record "${key}" is not JSON.`);
  if (Buffer.byteLength(text) <= MAX_RECORD_BYTES) return text;
  throw new StackyardError(
    "PAYLOAD_TOO_LARGE",
    `The record "${key}" is larger than 256 KiB. Store a reference instead.`,
  );
}
