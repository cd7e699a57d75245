import { defined } from "../machine/json.ts";
import {
  createPageBuilder,
  type PutRecordInput,
  type PutRecordResult,
  type Records,
  type StoredRecord,
  toRecordText,
} from "../ports/records.ts";
import { listKeys } from "./memory-lists.ts";

interface Row {
  readonly key: string;
  readonly version: number;
  /** The value as JSON, so that every reader gets a copy. */
  readonly text: string;
  readonly expiresAt: number | undefined;
}

/** Records that drop expired ones on request. */
export interface MemoryRecords extends Records {
  /** Adds a record with a key that no other has. */
  add(key: string, value: unknown): void;
  removeExpired(now: number): void;
}

/** Records in memory, for tests and for what need not survive the process. */
export function createMemoryRecords(): MemoryRecords {
  const rows = new Map<string, Row>();
  // One count for all keys: a version is never used again, and a removed key needs no memory.
  let version = 0;

  function findRow(key: string, now: number): Row | undefined {
    const row = rows.get(key);
    return row?.expiresAt !== undefined && row.expiresAt <= now ? undefined : row;
  }

  function put({ key, value, expected, expiresAt, now }: PutRecordInput): PutRecordResult {
    const text = toRecordText(key, value);
    const current = findRow(key, now);
    if ((current?.version ?? "absent") !== expected) {
      return { kind: "conflict", current: current && toRecord(current) };
    }
    version += 1;
    const row = { key, version, text, expiresAt };
    rows.set(key, row);
    return { kind: "written", record: toRecord(row) };
  }

  return {
    add: (key, value) => void put({ key, value, expected: "absent", now: 0 }),
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
      for (const row of listKeys(rows, prefix, page.cursor)) {
        const { key } = row;
        if (findRow(key, page.now) === undefined) continue;
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
  return { key, version, value: JSON.parse(text), ...defined({ expiresAt }) };
}
