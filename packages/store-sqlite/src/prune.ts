import { type Retention, toForgottenBefore } from "@stackyard/core/engine";
import type { Database, Effects } from "./database.ts";
import type { StoreState } from "./store-state.ts";

/** The progress of a pass over each table; each call continues where the one before it ended. */
interface PruneProgress {
  history: number | "done";
  parts: number | "done";
  deadLetters: number | "done";
  eventIds: readonly [eventId: string, stackId: string] | "done";
  removed: number | "done";
  /** Where the next pass over parts begins: before it no row has one that is too old. */
  partsFrom: number;
}

/** Returns the beginning of a pass. */
export function beginPruning(partsFrom = 0): PruneProgress {
  return { history: 0, parts: partsFrom, deadLetters: 0, eventIds: ["", ""], removed: 0, partsFrom };
}

/** The number of rows of one table that one call reads. */
const BATCH = 2_000;

/** Does a part of a pass. Returns true when more is left of it. */
export function prune(
  { state, effects }: { readonly state: StoreState; readonly effects: Effects },
  progress: PruneProgress,
  retention: Retention,
  now: number,
): boolean {
  const { database } = state;
  const lines = now - retention.historyMs;
  const ended = now - retention.settledAttemptMs;
  const after: PruneProgress = {
    ...pruneParts(state, progress, { lines, ended }),
    history: pruneHistory(state, progress.history, Math.min(lines, ended)),
    deadLetters: pruneDeadLetters(database, progress.deadLetters, now - retention.deadLetterMs),
    eventIds: pruneEventIds(database, progress.eventIds, retention, now),
    removed: forgetRemoved(database, progress.removed, toForgottenBefore(retention, now)),
  };
  const remove = "delete from record where version in (select version from record where expires_at <= ? limit ?)";
  const expired = database.run(remove, now, BATCH);
  const { history, parts, deadLetters, eventIds, removed } = after;
  const isDone = [history, parts, deadLetters, eventIds, removed].every((part) => part === "done") && expired < BATCH;
  effects.afterCommit(() => Object.assign(progress, isDone ? beginPruning(after.partsFrom) : after));
  return !isDone;
}

interface Batch {
  readonly last: number | null;
  readonly oldest: number | null;
  readonly newest: number | null;
  readonly count: number;
}

type FullBatch = Record<"last" | "newest", number>;

/** The rows that a walk reads. */
interface Walk {
  readonly database: Database;
  /** Selects a Batch of the rows after a position. */
  readonly sql: string;
  readonly after: number | "done";
  readonly cutoff: number;
}

/** Removes old rows among the next ones; `done` when they, and so all later ones, are too young. */
function pruneBatch(walk: Walk, remove: (after: number, batch: FullBatch) => void): number | "done" {
  const { database, sql, after, cutoff } = walk;
  if (after === "done") return "done";
  const batch = database.get<Batch>(sql, after, BATCH);
  if (batch === undefined || batch.last === null || batch.oldest === null || batch.oldest >= cutoff) return "done";
  remove(after, { last: batch.last, newest: batch.newest ?? batch.oldest });
  return batch.count < BATCH ? "done" : batch.last;
}

const HISTORY_BATCH = `select max(position) as last, min(at) as oldest, max(at) as newest, count(*) as count
       from (select position, at from history where position > ? order by position limit ?)`;

/** Removes rows of which neither the line nor the attempt is kept. */
function pruneHistory({ database, positions }: StoreState, progress: number | "done", cutoff: number): number | "done" {
  return pruneBatch({ database, sql: HISTORY_BATCH, after: progress, cutoff }, (after, { last }) => {
    positions.keepHighWater(database);
    database.run("delete from history where position > ? and position <= ? and at < ?", after, last, cutoff);
  });
}

/** Removes lines whose attempts are kept for longer, or attempts whose lines are. */
function pruneParts(
  { database, positions }: StoreState,
  { parts: progress, partsFrom }: PruneProgress,
  { lines, ended }: { readonly lines: number; readonly ended: number },
): Pick<PruneProgress, "parts" | "partsFrom"> {
  if (lines === ended) return { parts: "done", partsFrom };
  const [goes, stays] = lines > ended ? ["body = null", "ended"] : ["ended = null, log = null", "body"];
  const cutoff = Math.max(lines, ended);
  let from = partsFrom;
  const parts = pruneBatch({ database, sql: HISTORY_BATCH, after: progress, cutoff }, (after, { last, newest }) => {
    positions.keepHighWater(database);
    const old = "position > ? and position <= ? and at < ?";
    database.run(`delete from history where ${old} and ${stays} is null`, after, last, cutoff);
    database.run(`update history set ${goes} where ${old}`, after, last, cutoff);
    if (after === from && newest < cutoff) from = last;
  });
  return { parts, partsFrom: from };
}

function pruneDeadLetters(database: Database, progress: number | "done", cutoff: number): number | "done" {
  const sql = `select max(position) as last, min(dead_lettered_at) as oldest, max(dead_lettered_at) as newest, count(*) as count
       from (select position, dead_lettered_at from dead_letter where position > ? order by position limit ?)`;
  return pruneBatch({ database, sql, after: progress, cutoff }, (after, { last }) => {
    const old = "position > ? and position <= ? and dead_lettered_at < ?";
    database.run(`delete from dead_letter where ${old}`, after, last, cutoff);
  });
}

/** Removes ids that are too old, if their stack is gone or enough later ones of it are kept. */
function pruneEventIds(
  database: Database,
  after: PruneProgress["eventIds"],
  retention: Retention,
  now: number,
): PruneProgress["eventIds"] {
  if (after === "done") return "done";
  const select = `select event_id, stack_id from event_id where (event_id, stack_id) > (?, ?)
      order by event_id, stack_id limit 1 offset ?`;
  const [last] = database.all<{ event_id: string; stack_id: string }>(select, ...after, BATCH - 1);
  const end = last === undefined ? "" : "and (event_id, stack_id) <= (?, ?)";
  database.run(
    `delete from event_id
      where (event_id, stack_id) > (?, ?) ${end} and applied_at < ?
        and number <= coalesce((select id_count - case when body is null then 0 else ? end
                                  from stack where stack.stack_id = event_id.stack_id), number)`,
    ...after,
    ...(last === undefined ? [] : [last.event_id, last.stack_id]),
    now - retention.eventIdMs,
    retention.eventIdCount,
  );
  return last === undefined ? "done" : [last.event_id, last.stack_id];
}

/** Forgets stacks that were removed before that instant, and that nothing refers to. */
function forgetRemoved(database: Database, after: number | "done", before: number): number | "done" {
  if (after === "done") return "done";
  const select = "select stack_no from stack where stack_no > ? order by stack_no limit 1 offset ?";
  const last = database.get<{ stack_no: number }>(select, after, BATCH - 1)?.stack_no;
  const remove = `delete from stack where stack_no > ? and stack_no <= ? and body is null and coalesce(updated_at, 0) < ?
        and not exists (select 1 from open_attempts o where o.stack_no = stack.stack_no)
        and not exists (select 1 from parked p where p.stack_id = stack.stack_id)`;
  database.run(remove, after, last ?? Number.MAX_SAFE_INTEGER, before);
  return last ?? "done";
}
