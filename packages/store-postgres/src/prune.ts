import { CLOCKS_DIFFER_MS, type CorrectedAttempt, MOST_LEASE_MS } from "@stackyard/core/attempt";
import { type Retention, toForgottenBefore } from "@stackyard/core/engine";
import type { Database, Statement } from "./database.ts";

/** The progress of a pass over each table; each call continues where the one before it ended. */
interface Progress {
  history: number | "done";
  deadLetters: number | "done";
  eventIds: readonly [eventId: string, stackId: string] | "done";
  removed: readonly [stackId: string] | "done";
}

function begin(): Progress {
  return { history: 0, deadLetters: 0, eventIds: ["", ""], removed: [""] };
}

/** The number of rows of one table that one call reads. */
const BATCH = 2_000;

/**
 * Creates the function that removes old rows, a part of a pass at each call. Several processes may do so: each has its
 * own pass.
 */
export function createPrune(database: Database): (retention: Retention, now: number) => Promise<boolean> {
  let progress = begin();
  return async (retention, now) => {
    const { historyMs, settledAttemptMs, deadLetterMs } = retention;
    const after: Progress = {
      history: await walk(database, HISTORY, progress.history, now - historyMs, now - settledAttemptMs),
      deadLetters: await walk(database, DEAD_LETTER, progress.deadLetters, now - deadLetterMs),
      eventIds: await pruneEventIds(database, progress.eventIds, retention, now),
      removed: await forgetRemoved(database, progress.removed, toForgottenBefore(retention, now)),
    };
    const expired = await database.rows(EXPIRED, now, BATCH);
    const isDone = Object.values(after).every((part) => part === "done") && expired.length < BATCH;
    progress = isDone ? begin() : after;
    return !isDone;
  };
}

/** Removes old rows among the next ones; `last` is null when they, and so all later ones, are too young. */
const DEAD_LETTER = {
  name: "prune_dead_letters",
  isLong: true as const,
  text: `
with batch as materialized (
  select position, dead_lettered_at from stackyard.dead_letter where position > $1 order by position limit ${BATCH}
), found as materialized (
  select max(position) as last, min(dead_lettered_at) as oldest, count(*) as count from batch
), removed as (
  delete from stackyard.dead_letter using found
   where found.oldest < $2 and position > $1 and position <= found.last and dead_lettered_at < $2
)
select case when oldest < $2 and count = ${BATCH} then last end as last from found`,
};

/**
 * The same for history: its lines, ended attempts, and their messages, which are stored in separate rows or in rows of
 * other lines. A row is deleted with the last of its contents.
 */
const HISTORY = {
  name: "prune_history",
  isLong: true as const,
  text: `
with batch as materialized (
  select h.position, h.at, case when h.outcome is not null and h.at < $3::bigint then h.began_at end as began_at
    from stackyard.history h where h.position > $1 order by h.position limit ${BATCH}
), found as materialized (
  select max(position) as last, min(at) as oldest, count(*) as count from batch
), looked as materialized (
  select h.position, h.body is not null and h.at < $2::bigint as line, h.outcome is not null and h.at < $3 as ended,
         h.sent is not null and h.position = any(array(select b.began_at from batch b)) as sent,
         (h.body is null or h.at < $2) and (h.outcome is null or h.at < $3)
           and (h.sent is null or h.position = any(array(select b.began_at from batch b))) as empty
    from stackyard.history h
   where h.position = any(array(select b.position from batch b where b.at < greatest($2, $3)
                                 union select b.began_at from batch b))
), removed as (
  delete from stackyard.history h
   where h.position = any(array(select l.position from looked l where l.empty))
), emptied as (
  update stackyard.history h
     set body = case when l.line then null else h.body end, sent = case when l.sent then null else h.sent end,
         outcome = case when l.ended then null else h.outcome end, owner = case when l.ended then null else h.owner end,
         cancelling = case when l.ended then null else h.cancelling end, log = case when l.ended then null else h.log end,
         progress_message = case when l.ended then null else h.progress_message end
    from looked l
   where h.position = any(array(select l.position from looked l)) and h.position = l.position
     and not l.empty and (l.line or l.sent or l.ended)
)
select case when oldest < greatest($2, $3) and count = ${BATCH} then last end as last from found`,
};

async function walk(
  database: Database,
  statement: Statement,
  after: number | "done",
  ...cutoffs: readonly number[]
): Promise<number | "done"> {
  if (after === "done") return "done";
  const row = await database.row<{ last: number | null }>(statement, after, ...cutoffs);
  return row?.last ?? "done";
}

const EVENT_IDS = {
  name: "prune_event_ids",
  isLong: true as const,
  text: `
with batch as materialized (
  select ctid as place, event_id, stack_id, applied_at, number from stackyard.event_id
   where (event_id, stack_id) > ($1, $2) order by event_id, stack_id limit ${BATCH}
), removed as (
  delete from stackyard.event_id where ctid = any(array(
    select b.place from batch b
     where b.applied_at < $3
       and b.number <= coalesce((select s.id_count - $4 from stackyard.stacks s where s.id = b.stack_id),
                                (select g.id_count from stackyard.stack_gone g where g.id = b.stack_id), b.number)))
)
select event_id, stack_id from batch order by event_id desc, stack_id desc limit 1`,
};

/** Removes ids that are too old, if their stack is gone or enough later ones of it are kept. */
async function pruneEventIds(
  database: Database,
  after: Progress["eventIds"],
  { eventIdMs, eventIdCount }: Retention,
  now: number,
): Promise<Progress["eventIds"]> {
  if (after === "done") return "done";
  const last = await database.row<{ event_id: string; stack_id: string }>(
    EVENT_IDS,
    ...after,
    now - eventIdMs,
    eventIdCount,
  );
  return last === undefined ? "done" : [last.event_id, last.stack_id];
}

// A row that was written again meanwhile is another one, and stays.
const REMOVED = {
  name: "prune_removed",
  isLong: true as const,
  text: `
with batch as materialized (
  select ctid as place, id, gone_at from stackyard.stack_gone where id > $1 order by id limit ${BATCH}
), forgotten as (
  delete from stackyard.stack_gone where ctid = any(array(
    select b.place from batch b
     where b.gone_at < $2
       and not exists (select from stackyard.parked k where k.stack_id = b.id)))
)
select id from batch order by id desc limit 1`,
};

/** Forgets stacks that were removed before that instant, and that nothing refers to. */
async function forgetRemoved(
  database: Database,
  after: Progress["removed"],
  before: number,
): Promise<Progress["removed"]> {
  if (after === "done") return "done";
  const last = await database.row<{ id: string }>(REMOVED, ...after, before);
  return last === undefined ? "done" : [last.id];
}

/** Corrects the attempts that a process with a clock that was ahead has noted, as the rule `correctAttempt` does. */
export async function correctAttempts(database: Database, now: number): Promise<readonly CorrectedAttempt[]> {
  const instants = [now, now + MOST_LEASE_MS, now + CLOCKS_DIFFER_MS];
  const rows = await database.rows<CorrectedRow>(CORRECTED, ...instants);
  return rows.map(({ stack_id: stackId, attempt_id: attemptId, ended_at: was, ends_at: is }) => {
    return { stackId, attemptId, ...(was !== null && is !== null && was !== is && { ends: { was, is } }) };
  });
}

interface CorrectedRow {
  readonly stack_id: string;
  readonly attempt_id: string;
  readonly ended_at: number | null;
  readonly ends_at: number | null;
}

const CORRECTED = {
  name: "correct_attempts",
  isLong: true as const,
  text: `
with due as (
  delete from stackyard.due_lease where until > $2
), events as (
  update stackyard.event_lease set until = $1 where until > $2
), wrong as (
  select x.home, x.place, x.ends_at, x.status = 'running' and x.lease_until > $2 as is_lease,
         case when x.status <> 'queued' and b.at > $3 then b.at - $1 else 0 end as ahead_ms,
         case when x.cancel_until - coalesce(x.cancel_within_ms, 0) > $3 then $1 + coalesce(x.cancel_within_ms, 0)
              else x.cancel_until end as cancel_until
    from stackyard.open_attempt x
   cross join lateral (
     select case when x.first_token is null then x.deadline_at - coalesce(x.left_ms, x.deadline_at - x.began_at)
                 else x.deadline_at - x.timeout_ms end as at
   ) b
   where x.lease_until > $2 or x.deadline_at > $3 or x.cancel_until > $3
)
update stackyard.open_attempt o
   set lease_until = case when w.is_lease then $1 else o.lease_until end,
       deadline_at = o.deadline_at - w.ahead_ms,
       poll_due_at = case when o.poll_due_at is not null then greatest($1, o.poll_due_at - w.ahead_ms) end,
       cancel_until = w.cancel_until,
       ends_at = case when w.cancel_until is not null then w.cancel_until
                      when o.status <> 'queued' then o.deadline_at - w.ahead_ms end,
       due_at = least(o.due_at, $1)
  from wrong w
 where o.home = w.home and o.place = w.place
   and (w.is_lease or w.ahead_ms > 0 or w.cancel_until is distinct from o.cancel_until)
returning o.stack_id, o.attempt_id, w.ends_at as ended_at, o.ends_at`,
};

const EXPIRED = {
  name: "prune_records",
  isLong: true as const,
  text: `
with leases as (
  delete from stackyard.due_lease where until < $1::bigint - 3600000
), event_leases as (
  delete from stackyard.event_lease where cardinality(seqs) = 0
)
delete from stackyard.record
 where key in (select key from stackyard.record where expires_at <= $1 order by expires_at limit $2)
   and expires_at <= $1
returning version`,
};
