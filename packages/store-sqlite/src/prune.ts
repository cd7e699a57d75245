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

/** Which rows a walk looks at. */
interface Walk {
  readonly database: Database;
  /** Gives a Batch of the rows after a place. */
  readonly sql: string;
  readonly after: number | "done";
  readonly cutoff: number;
}

/** Lets go of what is too old among the next rows; done where they, and so all later ones, are too young. */
function pruneBatch(walk: Walk, remove: (after: number, last: number) => void): number | "done" {
  const { database, sql, after, cutoff } = walk;
  if (after === "done") return "done";
  const batch = database.get<Batch>(sql, after, BATCH);
  if (batch === undefined || batch.last === null || batch.oldest === null || batch.oldest >= cutoff) return "done";
  remove(after, batch.last);
  return batch.count < BATCH ? "done" : batch.last;
}

function pruneHistory(
  database: Database,
  positions: Sequence,
  progress: number | "done",
  cutoff: number,
): number | "done" {
  const sql = `select max(position) as last, min(at) as oldest, count(*) as count
       from (select position, at from history where position > ? order by position limit ?)`;
  return pruneBatch({ database, sql, after: progress, cutoff }, (after, last) => {
    positions.keepHighWater(database);
    database.run("delete from history where position > ? and position <= ? and at < ?", after, last, cutoff);
  });
}

function pruneAttempts(
  database: Database,
  attemptNos: Sequence,
  progress: number | "done",
  cutoff: number,
): number | "done" {
  const sql = `select max(attempt_no) as last, min(dispatched_at) as oldest, count(*) as count
       from (select attempt_no, dispatched_at from attempt where attempt_no > ? order by attempt_no limit ?)`;
  const old =
    "attempt_no in (select attempt_no from attempt where attempt_no > ? and attempt_no <= ? and settled_at < ?)";
  return pruneBatch({ database, sql, after: progress, cutoff }, (after, last) => {
    attemptNos.keepHighWater(database);
    for (const table of ["attempt_message", "attempt_log", "attempt"]) {
      database.run(`delete from ${table} where ${old}`, after, last, cutoff);
    }
  });
}

function pruneSetAside(transaction: Transaction, progress: number | "done", cutoff: number): number | "done" {
  const { database } = transaction;
  const sql = `select max(position) as last, min(set_aside_at) as oldest, count(*) as count
       from (select position, set_aside_at from set_aside where position > ? order by position limit ?)`;
  return pruneBatch({ database, sql, after: progress, cutoff }, (after, last) => {
    const old = "position > ? and position <= ? and set_aside_at < ?";
    transaction.count("setAsideEvents", -database.run(`delete from set_aside where ${old}`, after, last, cutoff));
  });
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
