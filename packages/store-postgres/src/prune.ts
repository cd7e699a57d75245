import type { Retention } from "@stackyard/core/engine";
import type { Database } from "./database.ts";
import type { Statement } from "./statement.ts";

/** How far a pass over each table has come; a pass goes on where the call before it ended. */
interface Progress {
  history: number | "done";
  attempts: number | "done";
  setAside: number | "done";
  eventIds: readonly [eventId: string, stackId: string] | "done";
}

function begin(): Progress {
  return { history: 0, attempts: 0, setAside: 0, eventIds: ["", ""] };
}

/** Rows of one table that one call looks at. */
const BATCH = 2_000;

/** Removes what is too old, a part of a pass at each call. Several processes may do so: each has a pass of its own. */
export function createPrune(database: Database): (retention: Retention, now: number) => Promise<boolean> {
  let progress = begin();
  return async (retention, now) => {
    const { historyMs, settledAttemptMs, setAsideMs } = retention;
    const after: Progress = {
      history: await walk(database, HISTORY, progress.history, now - historyMs),
      attempts: await walk(database, ATTEMPTS, progress.attempts, now - settledAttemptMs),
      setAside: await walk(database, SET_ASIDE, progress.setAside, now - setAsideMs),
      eventIds: await pruneEventIds(database, progress.eventIds, retention, now),
    };
    const expired = await database.rows(EXPIRED, now, BATCH);
    const isDone = Object.values(after).every((part) => part === "done") && expired.length < BATCH;
    progress = isDone ? begin() : after;
    return !isDone;
  };
}

/** Removes what is old among the next rows; `last` is null where they, and so all later ones, are too young. */
function walkOver(table: string, place: string, born: string): Statement {
  return {
    name: `prune_${table}`,
    isLong: true,
    text: `
with batch as materialized (
  select ${place} as place, ${born} as born from stackyard.${table} where ${place} > $1 order by ${place} limit ${BATCH}
), found as materialized (
  select max(place) as last, min(born) as oldest, count(*) as count from batch
), removed as (
  delete from stackyard.${table} using found
   where found.oldest < $2 and ${place} > $1 and ${place} <= found.last and ${born} < $2
)
select case when oldest < $2 and count = ${BATCH} then last end as last from found`,
  };
}

const HISTORY = walkOver("history", "position", "at");
const ATTEMPTS = {
  name: "prune_attempts",
  isLong: true as const,
  text: `
with batch as materialized (
  select attempt_no as place, dispatched_at as born from stackyard.attempt where attempt_no > $1
   order by attempt_no limit ${BATCH}
), found as materialized (
  select max(place) as last, min(born) as oldest, count(*) as count from batch
), ended as (
  delete from stackyard.attempt_end e using found
   where found.oldest < $2 and e.attempt_no > $1 and e.attempt_no <= found.last and e.settled_at < $2
  returning e.attempt_no
), removed as (
  delete from stackyard.attempt a where a.attempt_no = any(array(select e.attempt_no from ended e))
)
select case when oldest < $2 and count = ${BATCH} then last end as last from found`,
};
const SET_ASIDE = walkOver("set_aside", "position", "set_aside_at");

async function walk(
  database: Database,
  statement: Statement,
  after: number | "done",
  cutoff: number,
): Promise<number | "done"> {
  if (after === "done") return "done";
  const row = await database.row<{ last: number | null }>(statement, after, cutoff);
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
       and b.number <= coalesce((select s.id_count from stackyard.stacks s where s.id = b.stack_id),
                                (select g.id_count from stackyard.stack_gone g where g.id = b.stack_id), 0) - $4))
)
select event_id, stack_id from batch order by event_id desc, stack_id desc limit 1`,
};

/** An id goes when it is too old and as many later ones of its stack are known as shall be kept. */
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
