import { StackyardError } from "../errors/stackyard-error.ts";
import {
  createPageBuilder,
  type PutRecordInput,
  type PutRecordResult,
  type Records,
  type StoredRecord,
} from "../ports/records.ts";
import { createSortedKeys } from "./memory-lists.ts";

const MAX_BYTES = 256 * 1024;
const MAX_KEY_LENGTH = 512;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for.
const CONTROL = /[\u0000-\u001f\u007f]/;

interface Row {
  readonly key: string;
  readonly version: number;
  /** The value as JSON, so that every reader gets a copy. */
  readonly text: string;
  readonly expiresAt: number | undefined;
}

/** Records that also drop what is expired, when told to. */
export interface MemoryRecords extends Records {
  removeExpired(now: number): void;
}

/** Records in memory, for tests and for what need not survive the process. */
export function createMemoryRecords(): MemoryRecords {
  const rows = new Map<string, Row>();
  const keys = createSortedKeys((key) => rows.has(key));
  // One count for all keys: a version is never used again, and a removed key needs no memory.
  let version = 0;

  function findRow(key: string, now: number): Row | undefined {
    const row = rows.get(key);
    return row?.expiresAt !== undefined && row.expiresAt <= now ? undefined : row;
  }

  function put({ key, value, expected, expiresAt, now }: PutRecordInput): PutRecordResult {
    const text = toText(key, value);
    const current = findRow(key, now);
    if ((current?.version ?? "absent") !== expected) {
      return { kind: "conflict", current: current && toRecord(current) };
    }
    version += 1;
    const row = { key, version, text, expiresAt };
    rows.set(key, row);
    keys.add(key);
    return { kind: "written", record: toRecord(row) };
  }

  return {
    async get(key, now) {
      const row = findRow(key, now);
      return row && toRecord(row);
    },
    put: async (input) => put(input),
    async remove(key, expected) {
      const row = rows.get(key);
      if (row !== undefined && row.version !== expected) return false;
      rows.delete(key);
      return true;
    },
    async list(prefix, page) {
      const builder = createPageBuilder<StoredRecord>(page);
      for (const key of keys.list(prefix, page.cursor)) {
        const row = findRow(key, page.now);
        if (row === undefined) continue;
        const bytes = Buffer.byteLength(row.text);
        if (!builder.add({ id: key, cursor: key, bytes, read: () => toRecord(row) })) break;
      }
      return builder.end();
    },
    removeExpired(now) {
      for (const key of rows.keys()) if (findRow(key, now) === undefined) rows.delete(key);
    },
  };
}

function toRecord({ key, version, text, expiresAt }: Row): StoredRecord {
  return { key, version, value: JSON.parse(text), ...(expiresAt === undefined ? {} : { expiresAt }) };
}

function toText(key: string, value: unknown): string {
  if (key.length === 0 || key.length > MAX_KEY_LENGTH || CONTROL.test(key)) {
    throw new StackyardError(
      "USAGE",
      `A record's key has 1 to ${MAX_KEY_LENGTH} characters, none of them control characters.`,
    );
  }
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) throw new StackyardError("USAGE", `The value of the record "${key}" is not JSON.`);
  if (Buffer.byteLength(text) > MAX_BYTES) {
    throw new StackyardError(
      "PAYLOAD_TOO_LARGE",
      `The record "${key}" has more than ${MAX_BYTES} bytes. Keep a reference instead.`,
    );
  }
  return text;
}
