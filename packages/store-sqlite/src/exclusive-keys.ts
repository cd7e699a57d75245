import { ATTEMPT_COLUMNS, type AttemptRow, toKeys } from "./attempt-row.ts";
import type { Database } from "./database.ts";
import { queueTask } from "./task-queue.ts";
import type { Transaction } from "./transaction.ts";

/** What an attempt holds after it asked for keys, and at which one it must wait. */
export interface TakenKeys {
  readonly held: readonly string[];
  readonly waitsFor?: string;
}

/** Takes keys in sorted order up to the first that another attempt has. */
export function takeKeys(database: Database, row: AttemptRow, wanted: readonly string[]): TakenKeys {
  const held = new Set(toKeys(row));
  for (const key of [...new Set(wanted)].sort()) {
    if (held.has(key)) continue;
    if (
      database.run(
        "insert into held_key (key, attempt_no) values (?, ?) on conflict do nothing",
        key,
        row.attempt_no,
      ) === 0
    ) {
      return { held: [...held].sort(), waitsFor: key };
    }
    held.add(key);
  }
  return { held: [...held].sort() };
}

/** Who has the key, and the place of an attempt in the key's queue, from 1. */
export function findPlace(
  database: Database,
  key: string,
  attemptNo: number,
): { readonly key: string; readonly holder: string; readonly place: number } {
  const holder = database.get<{ attempt_id: string }>(
    "select attempt_id from held_key join attempt using (attempt_no) where key = ?",
    key,
  );
  const ahead = database.get<{ place: number }>(
    "select count(*) as place from attempt where queued_key = ? and attempt_no <= ?",
    key,
    attemptNo,
  );
  return { key, holder: holder?.attempt_id ?? "", place: ahead?.place ?? 0 };
}

/** Gives the keys of an attempt that has ended to the next in their queues, and queues the messages of those. */
export function passKeysOn(transaction: Transaction, row: AttemptRow, now: number): void {
  for (const key of toKeys(row)) passKeyOn(transaction, key, now);
}

function passKeyOn(transaction: Transaction, key: string, now: number): void {
  const { database } = transaction;
  const next = database.get<AttemptRow>(
    `select ${ATTEMPT_COLUMNS} from attempt where queued_key = ? order by attempt_no limit 1`,
    key,
  );
  if (next === undefined) {
    database.run("delete from held_key where key = ?", key);
    return;
  }
  const deadlineAt = now + (next.left_ms ?? 0);
  database.run("update held_key set attempt_no = ? where key = ?", next.attempt_no, key);
  // The clock stood while the attempt was queued.
  database.run(
    `update attempt set status = 'unclaimed', queued_key = null, keys = ?, deadline_at = ?, ends_at = ?, queue_seq = ?
      where attempt_no = ?`,
    JSON.stringify([...toKeys(next), key].sort()),
    deadlineAt,
    next.cancel_until ?? deadlineAt,
    next.queue_seq ?? queueTask(transaction, next.attempt_no, now),
    next.attempt_no,
  );
}
