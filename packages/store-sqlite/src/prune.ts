import type { Retention } from "@stackyard/core/engine";
import type { Database } from "./database.ts";
import type { Sequence } from "./sequence.ts";
import type { Transaction } from "./transaction.ts";

/** How far a pass over each table has come; a pass goes on where the call before it ended. */
export interface PruneProgress {
  history: number | "done";
  attempts: number | "done";
  setAside: number | "done";
  eventIds: readonly [eventId: string, stackId: string] | "done";
}

/** Where a pass begins. */
export function beginPruning(): PruneProgress {
  return { history: 0, attempts: 0, setAside: 0, eventIds: ["", ""] };
}

/** Rows of one table that one call looks at. */
const BATCH = 2_000;

/** Does a part of a pass. True when more is left of it. */
export function prune(transaction: Transaction, progress: PruneProgress, retention: Retention, now: number): boolean {
  const { database, store } = transaction;
  const after: PruneProgress = {
    history: pruneHistory(database, store.positions, progress.history, now - retention.historyMs),
    attempts: pruneAttempts(database, store.attemptNos, progress.attempts, now - retention.settledAttemptMs),
    setAside: pruneSetAside(transaction, progress.setAside, now - retention.setAsideMs),
    eventIds: pruneEventIds(database, progress.eventIds, retention, now),
  };
  const expired = database.run(
    "delete from record where version in (select version from record where expires_at <= ? limit ?)",
    now,
    BATCH,
  );
  const isDone = Object.values(after).every((part) => part === "done") && expired < BATCH;
  transaction.afterCommit(() => Object.assign(progress, isDone ? beginPruning() : after));
  return !isDone;
}

interface Batch {
  readonly last: number | null;
  readonly oldest: number | null;
  readonly count: number;
}

/** The next rows after a place; undefined when they, and so all later ones, are too young. */
function readBatch(
  database: Database,
  sql: string,
  after: number,
  cutoff: number,
): (Batch & { last: number }) | undefined {
  const batch = database.get<Batch>(sql, after, BATCH);
  if (batch === undefined || batch.last === null || batch.oldest === null || batch.oldest >= cutoff) return undefined;
  return { ...batch, last: batch.last };
}

function pruneHistory(
  database: Database,
  positions: Sequence,
  after: number | "done",
  cutoff: number,
): number | "done" {
  if (after === "done") return "done";
  const batch = readBatch(
    database,
    `select max(position) as last, min(at) as oldest, count(*) as count
       from (select position, at from history where position > ? order by position limit ?)`,
    after,
    cutoff,
  );
  if (batch === undefined) return "done";
  positions.keepHighWater(database);
  database.run("delete from history where position > ? and position <= ? and at < ?", after, batch.last, cutoff);
  return batch.count < BATCH ? "done" : batch.last;
}

function pruneAttempts(
  database: Database,
  attemptNos: Sequence,
  after: number | "done",
  cutoff: number,
): number | "done" {
  if (after === "done") return "done";
  const batch = readBatch(
    database,
    `select max(attempt_no) as last, min(dispatched_at) as oldest, count(*) as count
       from (select attempt_no, dispatched_at from attempt where attempt_no > ? order by attempt_no limit ?)`,
    after,
    cutoff,
  );
  if (batch === undefined) return "done";
  attemptNos.keepHighWater(database);
  const old =
    "attempt_no in (select attempt_no from attempt where attempt_no > ? and attempt_no <= ? and settled_at < ?)";
  for (const table of ["attempt_message", "attempt_log", "attempt"]) {
    database.run(`delete from ${table} where ${old}`, after, batch.last, cutoff);
  }
  return batch.count < BATCH ? "done" : batch.last;
}

function pruneSetAside(transaction: Transaction, after: number | "done", cutoff: number): number | "done" {
  if (after === "done") return "done";
  const { database } = transaction;
  const batch = readBatch(
    database,
    `select max(position) as last, min(set_aside_at) as oldest, count(*) as count
       from (select position, set_aside_at from set_aside where position > ? order by position limit ?)`,
    after,
    cutoff,
  );
  if (batch === undefined) return "done";
  const removed = database.run(
    "delete from set_aside where position > ? and position <= ? and set_aside_at < ?",
    after,
    batch.last,
    cutoff,
  );
  transaction.count("setAsideEvents", -removed);
  return batch.count < BATCH ? "done" : batch.last;
}

/** An id goes when it is too old and as many later ones of its stack are known as shall be kept. */
function pruneEventIds(
  database: Database,
  after: PruneProgress["eventIds"],
  retention: Retention,
  now: number,
): PruneProgress["eventIds"] {
  if (after === "done") return "done";
  const [last] = database.all<{ event_id: string; stack_id: string }>(
    `select event_id, stack_id from event_id where (event_id, stack_id) > (?, ?)
      order by event_id, stack_id limit 1 offset ?`,
    ...after,
    BATCH - 1,
  );
  const end = last === undefined ? "" : "and (event_id, stack_id) <= (?, ?)";
  database.run(
    `delete from event_id
      where (event_id, stack_id) > (?, ?) ${end} and applied_at < ?
        and number <= (select id_count from stack where stack.stack_id = event_id.stack_id) - ?`,
    ...after,
    ...(last === undefined ? [] : [last.event_id, last.stack_id]),
    now - retention.eventIdMs,
    retention.eventIdCount,
  );
  return last === undefined ? "done" : [last.event_id, last.stack_id];
}
