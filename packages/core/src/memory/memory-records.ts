import { createRecords, isExpected, isExpired, type RecordRow } from "../ports/create-records.ts";
import type { Records } from "../ports/records.ts";
import { listKeys } from "./memory-lists.ts";

/** Records that drop expired ones on request. */
export interface MemoryRecords extends Records {
  /** Adds a record with a key that no other has. */
  add(key: string, value: unknown): void;
  removeExpired(now: number): void;
}

/** Records in memory, for tests and for what need not survive the process. */
export function createMemoryRecords(): MemoryRecords {
  const rows = new Map<string, RecordRow>();
  // One count for all keys: a version is never used again, and a removed key needs no memory.
  let version = 0;

  function set(row: Omit<RecordRow, "version">): number {
    version += 1;
    rows.set(row.key, { ...row, version });
    return version;
  }

  const records = createRecords({
    find: (key) => rows.get(key),
    write({ expected, now, ...row }) {
      const current = rows.get(row.key);
      if (!isExpected(current, { expected, now })) return { kind: "conflict", current };
      return { kind: "written", version: set(row) };
    },
    remove(key, expected) {
      if ((rows.get(key)?.version ?? expected) !== expected) return false;
      rows.delete(key);
      return true;
    },
    scan({ prefix, after }, page) {
      listKeys(rows, prefix, after).every((row) => page.add(row));
      return undefined;
    },
  });

  return {
    ...records,
    add: (key, value) => void set({ key, text: JSON.stringify(value) }),
    removeExpired(now) {
      for (const row of rows.values()) if (isExpired(row, now)) rows.delete(row.key);
    },
  };
}
