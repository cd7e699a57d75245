import type { AttemptView } from "@stackyard/core/engine";
import type { Database } from "./database.ts";
import { fromKeyText, toComparedText, toKeyText } from "./key-text.ts";
import type { TaskMessage } from "./port-types.ts";

interface ViewRow {
  readonly attempt_id: string;
  readonly stack_id: string;
  readonly task: string;
  readonly entry: number;
  readonly attempt: number;
  readonly executor: string | null;
  readonly status: AttemptView["status"];
  readonly dispatched_at: number;
  readonly deadline_at: number;
  readonly token: number;
  readonly owner: string | null;
  readonly lease_until: number | null;
  readonly poll_due_at: number | null;
  readonly cancelling: "requested" | "timed-out" | null;
  readonly keys: readonly string[] | null;
  readonly queued_key: string | null;
  readonly holder: string | null;
  readonly place: number | null;
  readonly progress_message: string | null;
  readonly has_log: boolean;
  readonly log: string | null;
  readonly outcome: NonNullable<AttemptView["outcome"]> | null;
}

/** Rows of an attempt `a`, with what is known of it while it is open. */
const toViewText = (log: string) => `
select coalesce(a.long_id, a.attempt_id) as attempt_id, a.stack_id, a.task, a.entry, a.attempt, a.executor, coalesce(l.status, 'settled') as status,
       a.dispatched_at, coalesce(l.deadline_at, e.deadline_at) as deadline_at, coalesce(l.token, e.token) as token,
       coalesce(l.owner, e.owner) as owner, l.lease_until, l.poll_due_at, coalesce(l.cancelling, e.cancelling) as cancelling,
       (select array_agg(coalesce(k.long_key, k.key) order by k.key) from stackyard.held_key k where k.attempt_no = l.attempt_no) as keys,
       (select coalesce(k.long_key, k.key) from stackyard.held_key k where k.key = l.queued_key) as queued_key,
       (select coalesce(h.long_id, h.attempt_id)
          from stackyard.held_key k join stackyard.attempt h on h.attempt_no = k.attempt_no
         where k.key = l.queued_key) as holder,
       case when l.queued_key is not null then (
         select count(*) from stackyard.live o
          where o.queued_key = l.queued_key and o.attempt_no <= l.attempt_no) end as place,
       coalesce(l.progress_message, e.progress_message) as progress_message, e.log is not null as has_log, ${log} as log, e.outcome
  from stackyard.attempt a
  left join lateral (select * from stackyard.live l where l.attempt_no = a.attempt_no limit 1) l on true
  left join lateral (select * from stackyard.attempt_end e where e.attempt_no = a.attempt_no limit 1) e on true`;

const FIND = {
  name: "find_attempt",
  text: `${toViewText("e.log")} where a.attempt_no = stackyard.find_attempt_no($1)`,
};

/** An attempt as people see it. */
export async function findAttempt(database: Database, attemptId: string): Promise<AttemptView | undefined> {
  const row = await database.row<ViewRow>(FIND, toComparedText(attemptId));
  return row === undefined ? undefined : toView(row);
}

// Segment by segment, newest first: those that have not ended may be far behind.
const LIST = {
  name: "list_attempts",
  text: `
with own as materialized (
  select a.attempt_no, (select true from stackyard.attempt_end e where e.attempt_no = a.attempt_no) is null as is_open
    from generate_series((select max(attempt_no) >> 15 from stackyard.attempt),
                         (select min(attempt_no) >> 15 from stackyard.attempt), -1) as segment
   cross join lateral (
     select a.attempt_no from stackyard.attempt a
      where a.attempt_no >> 15 = segment and a.stack_id = $1 order by a.attempt_no desc) a
), wanted as (
  select attempt_no from own where is_open
  union all
  (select attempt_no from own where not is_open order by attempt_no desc limit 50)
)
${toViewText("null")} where a.attempt_no = any(array(select attempt_no from wanted)) order by a.attempt_no desc`,
};

/** Attempts of a stack, newest first: the open ones and the last settled ones, without their logs. */
export async function listAttempts(database: Database, stackId: string): Promise<readonly AttemptView[]> {
  const rows = await database.rows<ViewRow>(LIST, toKeyText(stackId));
  return rows.map(toView);
}

const MESSAGE = {
  name: "find_task_message",
  text: "select a.message from stackyard.attempt a where a.attempt_no = stackyard.find_attempt_no($1)",
};

/** The message that an attempt was dispatched with. */
export async function findTaskMessage(database: Database, attemptId: string): Promise<TaskMessage | undefined> {
  const row = await database.row<{ message: string }>(MESSAGE, toComparedText(attemptId));
  return row === undefined ? undefined : (JSON.parse(row.message) as TaskMessage);
}

function toView(row: ViewRow): AttemptView {
  return {
    attemptId: fromKeyText(row.attempt_id),
    stackId: fromKeyText(row.stack_id),
    task: fromKeyText(row.task),
    entry: row.entry,
    attempt: row.attempt,
    status: row.status,
    dispatchedAt: row.dispatched_at,
    deadlineAt: row.deadline_at,
    token: row.token,
    heldKeys: (row.keys ?? []).map(fromKeyText),
    ...toPlace(row),
    ...toOptional(row),
    ...toShown(row),
  };
}

function toPlace({ queued_key: key, holder, place }: ViewRow): Partial<AttemptView> {
  if (key === null) return {};
  return { queuedFor: { key: fromKeyText(key), holder: fromKeyText(holder ?? ""), place: place ?? 1 } };
}

function toOptional(row: ViewRow): Partial<AttemptView> {
  return {
    ...(row.executor === null ? {} : { executor: fromKeyText(row.executor) }),
    ...(row.owner === null ? {} : { owner: fromKeyText(row.owner) }),
    ...(row.lease_until === null ? {} : { leaseUntil: row.lease_until }),
    ...(row.poll_due_at === null ? {} : { pollDueAt: row.poll_due_at }),
    ...(row.cancelling === null ? {} : { cancelling: row.cancelling }),
  };
}

function toShown(row: ViewRow): Partial<AttemptView> {
  return {
    ...(row.progress_message === null ? {} : { progressMessage: parseText(row.progress_message) }),
    ...(row.outcome === null ? {} : { outcome: row.outcome }),
    ...(row.has_log ? { hasLog: true } : {}),
    ...(row.log === null ? {} : { log: parseText(row.log) }),
  };
}

function parseText(json: string): string {
  return JSON.parse(json) as string;
}
