import type { TaskMessage } from "@stackyard/core";
import { defined } from "@stackyard/core";
import {
  type AttemptView,
  createPageBuilder,
  MAX_SETTLED_LISTED,
  matchesAttempt,
  type OpenAttempt,
  type OpenAttemptFilter,
  type Page,
  type PageInput,
  parsePosition,
} from "@stackyard/core/engine";
import { parseSent, type SentAttempt, toAttemptId } from "./attempt-rows.ts";
import type { Database } from "./database.ts";
import { fromKeyText, toComparedText, toHome, toKeyText } from "./key-text.ts";

interface ViewRow {
  readonly began_at: number;
  readonly attempt_id: string;
  readonly stack_id: string;
  readonly sent: string | null;
  readonly status: AttemptView["status"];
  readonly deadline_at: number;
  readonly token: number;
  readonly owner: string | null;
  readonly lease_until: number | null;
  readonly poll_due_at: number | null;
  readonly cancelling: "requested" | "timed-out" | null;
  readonly keys: readonly string[] | null;
  readonly queued_key: string | null;
  readonly holder: string | null;
  readonly holder_sent: string | null;
  readonly place: number | null;
  readonly progress_message: string | null;
  readonly has_log: boolean;
  readonly log: string | null;
  readonly outcome: NonNullable<AttemptView["outcome"]> | null;
}

const OPEN = `
select o.began_at, o.attempt_id, o.stack_id, b.sent, o.status, o.deadline_at, o.token, o.owner, o.lease_until,
       o.poll_due_at, o.cancelling,
       case when o.has_keys then (
         select array_agg(coalesce(k.long_key, k.key) order by k.key) from stackyard.held_key k
          where k.attempt_id = o.attempt_id) end as keys,
       coalesce(q.long_key, q.key) as queued_key, q.attempt_id as holder,
       (select h.sent from stackyard.open_attempt x join stackyard.history h on h.position = x.began_at
         where x.home = q.home and x.attempt_id = q.attempt_id) as holder_sent,
       case when o.queued_key is not null then (
         select count(*) from stackyard.open_attempt x
          where x.queued_key = o.queued_key and x.began_at <= o.began_at) end as place,
       o.progress_message, false as has_log, null as log, null as outcome
  from stackyard.open_attempt o
  left join lateral (select b.sent from stackyard.history b where b.position = o.began_at limit 1) b on true
  left join lateral (select * from stackyard.held_key k where k.key = o.queued_key limit 1) q on true`;

const toEndedText = (log: string) => `
select h.began_at, substr(h.event_id, 8) as attempt_id, h.stack_id, b.sent, 'settled' as status, h.deadline_at, h.token,
       h.owner, null::bigint as lease_until, null::bigint as poll_due_at, h.cancelling, null::text[] as keys,
       null as queued_key, null as holder, null as holder_sent, null::bigint as place, h.progress_message,
       h.log is not null as has_log, ${log} as log, h.outcome
  from stackyard.history h
  left join lateral (select b.sent from stackyard.history b where b.position = h.began_at limit 1) b on true`;

const FIND = {
  name: "find_attempt",
  text: `
(${OPEN} where o.home = $1 and o.attempt_id = $2)
union all
(${toEndedText("h.log")} where h.position = stackyard.find_ended($2))
limit 1`,
};

/** Finds an attempt in the form for display. */
export async function findAttempt(database: Database, attemptId: string): Promise<AttemptView | undefined> {
  const row = await findRow(database, attemptId);
  return row === undefined ? undefined : toView(row, parseSent(row.sent));
}

/** Finds the message that an attempt was dispatched with. */
export async function findTaskMessage(database: Database, attemptId: string): Promise<TaskMessage | undefined> {
  const row = await findRow(database, attemptId);
  return row === undefined ? undefined : parseSent(row.sent).message;
}

function findRow(database: Database, attemptId: string): Promise<ViewRow | undefined> {
  return database.row<ViewRow>(FIND, toHome(attemptId), toComparedText(attemptId));
}

// Ended ones segment by segment, newest first.
const LIST = {
  name: "list_attempts",
  text: `
select * from (
  (${OPEN} where o.home = $1 and o.stack_id = $1)
  union all
  (${OPEN} where o.stack_id = $1 and o.home <> o.stack_id)
  union all
  (${toEndedText("null")} where h.position = any(array(
     select e.position
       from generate_series((select max(position) >> 15 from stackyard.history),
                            (select min(position) >> 15 from stackyard.history), -1) as segment
      cross join lateral (
        select e.position from stackyard.history e
         where e.position >> 15 = segment and e.stack_id = $1 and e.outcome is not null
         order by e.position desc limit ${MAX_SETTLED_LISTED}) e
      limit ${MAX_SETTLED_LISTED})))
) a order by a.began_at desc`,
};

/** Lists attempts of a stack, newest first: the open ones and the last settled ones, without their logs. */
export async function listAttempts(database: Database, stackId: string): Promise<readonly AttemptView[]> {
  const rows = await database.rows<ViewRow>(LIST, toKeyText(stackId));
  return rows.map((row) => toView(row, parseSent(row.sent)));
}

// Open attempts are few, so they are sorted at each call.
const LIST_OPEN = {
  name: "list_open_attempts",
  text: `${OPEN} where o.began_at > $1 and ($2::text is null or o.status = $2) order by o.began_at limit $3`,
};

/** Rows of one call: most of a filter is in the documents of attempts, which the server does not read. */
const OPEN_READ = 1_000;

/** Lists open attempts of the yard in order of dispatch. */
export async function listOpenAttempts(
  database: Database,
  filter: OpenAttemptFilter,
  page: PageInput,
): Promise<Page<OpenAttempt>> {
  const found = createPageBuilder<OpenAttempt>(page);
  const after = parsePosition(page.cursor) ?? -1;
  const rows = await database.rows<ViewRow>(LIST_OPEN, after, filter.status ?? null, OPEN_READ);
  for (const row of rows) {
    const attempt = readOpen(row);
    if (!isListed(filter, attempt)) continue;
    const read = () => attempt ?? toOpen(row);
    const bytes = Buffer.byteLength(row.sent ?? "");
    if (!found.add({ id: fromKeyText(row.attempt_id), cursor: String(row.began_at), bytes, read })) break;
  }
  const last = rows.length < OPEN_READ ? undefined : rows.at(-1);
  return found.end(last && String(last.began_at));
}

function toOpen(row: ViewRow): OpenAttempt {
  const sent = parseSent(row.sent);
  return { ...toView(row, sent), machine: sent.message.stack.machine };
}

/** Reads an open attempt; returns undefined for a damaged row. */
function readOpen(row: ViewRow): OpenAttempt | undefined {
  try {
    return toOpen(row);
  } catch {
    return undefined;
  }
}

/** Returns true when an attempt matches the filter. Unreadable rows are reported only for filters by status alone. */
function isListed(filter: OpenAttemptFilter, attempt: OpenAttempt | undefined): boolean {
  if (attempt !== undefined) return matchesAttempt(filter, attempt, () => attempt.machine);
  const { executor, machine, idPrefix, scopes } = filter;
  return [executor, machine, idPrefix, scopes].every((part) => part === undefined);
}

function toView(row: ViewRow, sent: SentAttempt): AttemptView {
  const { task, entry, attempt, executor, dispatchedAt } = sent;
  return {
    attemptId: toAttemptId(row.attempt_id, sent),
    stackId: fromKeyText(row.stack_id),
    task,
    entry,
    attempt,
    ...defined({ executor }),
    status: row.status,
    dispatchedAt,
    deadlineAt: row.deadline_at,
    token: row.token,
    heldKeys: (row.keys ?? []).map(fromKeyText),
    ...toQueued(row),
    ...toOptional(row),
  };
}

function toQueued({ queued_key: key, holder, holder_sent: sent, place }: ViewRow): Partial<AttemptView> {
  if (key === null) return {};
  const name = sent === null ? fromKeyText(holder ?? "") : toAttemptId(holder ?? "", parseSent(sent));
  return { queuedFor: { key: fromKeyText(key), holder: name, place: place ?? 1 } };
}

function toOptional(row: ViewRow): Partial<AttemptView> {
  return {
    ...(row.owner === null ? {} : { owner: fromKeyText(row.owner) }),
    ...(row.lease_until === null ? {} : { leaseUntil: row.lease_until }),
    ...(row.poll_due_at === null ? {} : { pollDueAt: row.poll_due_at }),
    ...(row.cancelling === null ? {} : { cancelling: row.cancelling }),
    ...(row.progress_message === null ? {} : { progressMessage: parseText(row.progress_message) }),
    ...(row.outcome === null ? {} : { outcome: row.outcome }),
    ...(row.has_log ? { hasLog: true } : {}),
    ...(row.log === null ? {} : { log: parseText(row.log) }),
  };
}

function parseText(json: string): string {
  return JSON.parse(json) as string;
}
