import {
  defined,
  type RenewResult,
  type SettleInput,
  type Stack,
  type Store,
  type SuspendInput,
  type TaskMessage,
} from "@stackyard/core";
import { hasLostWorkers, readAttemptSecrets } from "@stackyard/core/attempt";
import {
  type AttemptView,
  type ClaimInput,
  type ClaimResult,
  createPageBuilder,
  type Grant,
  MAX_SETTLED_LISTED,
  matchesAttempt,
  type OpenAttempt,
  type OpenAttemptFilter,
  type Page,
  type PageInput,
  type QueuedEvent,
  toStartPosition,
} from "@stackyard/core/engine";
import { fromKeyText, toComparedText, toHome, toKeyText, toLongText, toPlace } from "./column-values.ts";
import type { Database } from "./database.ts";
import type { GroupedCalls } from "./grouped-calls.ts";
import { parseSent, type ReadAttempt } from "./sent-text.ts";
import type { Signals } from "./signals.ts";
import { toEventRow } from "./work-queue.ts";

type AttemptCalls = Pick<Store, "claim" | "renew" | "suspend" | "settle" | "findAttempt" | "findTaskMessage">;

/** Calls of workers that share statements while they wait. */
export interface AttemptGroups {
  readonly claims: GroupedCalls<ClaimInput, ClaimResult>;
  readonly renewals: GroupedCalls<RenewCall, RenewResult>;
  readonly settles: GroupedCalls<SettleCall, "settled" | "lost">;
}

/** Creates the part of the store that workers use. */
export function createAttemptStore(database: Database, groups: AttemptGroups, signals: Signals): AttemptCalls {
  return {
    async claim(input) {
      database.assertOpen();
      if (input.exclusiveKeys.length === 0) return groups.claims.call(input);
      return claimKeyed(database, input);
    },
    async renew(grant, input) {
      database.assertOpen();
      const answer = await groups.renewals.call({ grant, input });
      if (input.message !== undefined) signals.notify(["progress"]);
      return answer;
    },
    async suspend(grant, input) {
      const result = await suspend(database, grant, input);
      signals.notify(["task", "progress"]);
      return result;
    },
    async settle(grant, input) {
      database.assertOpen();
      return groups.settles.call({ grant, input });
    },
    findAttempt: (attemptId) => findAttempt(database, attemptId),
    findTaskMessage: (attemptId) => findTaskMessage(database, attemptId),
  };
}

interface ClaimRow {
  readonly kind: ClaimResult["kind"];
  readonly token: number;
  readonly again: boolean;
  readonly lapses: number;
  readonly deadline_at: number;
  readonly progress: string | null;
  readonly cancelling: "requested" | "timed-out" | null;
  readonly held_by: string;
  readonly sent: string | null;
  readonly data: string | null;
}

const CLAIM = {
  name: "claim_attempts",
  isLong: true as const,
  text: `select kind, token, again, lapses, deadline_at, progress, cancelling, held_by, sent, data
  from stackyard.claim_attempts($1, $2) order by n`,
};

/** Claims of different attempts that need no key. */
export async function claimAll(database: Database, inputs: readonly ClaimInput[]): Promise<readonly ClaimResult[]> {
  const claims = inputs.map(toClaimRow);
  const homes = claims.map(({ home }) => home);
  const rows = await database.rows<ClaimRow>(CLAIM, JSON.stringify(claims), homes);
  return inputs.map((input, index) => toClaimResult(input, rows[index]));
}

function toClaimRow({ attemptId, owner, leaseMs, now }: ClaimInput, index: number) {
  return {
    n: index,
    ...toPlace(attemptId),
    owner: toKeyText(owner),
    lease: leaseMs,
    now,
  };
}

interface KeyedRow extends ClaimRow {
  readonly waits_for: string | null;
  readonly holder: string | null;
  readonly holder_sent: string | null;
  readonly place: number | null;
}

const CLAIM_KEYED = {
  name: "claim_keyed",
  isLong: true as const,
  text: `select kind, token, again, lapses, deadline_at, progress, cancelling, held_by, sent, data, waits_for, holder, holder_sent, place
  from stackyard.claim_keyed($1, $2, $3)`,
};

/** Claims an attempt with exclusive keys, in sorted order. */
async function claimKeyed(database: Database, input: ClaimInput): Promise<ClaimResult> {
  const keys = [...new Set(input.exclusiveKeys)].sort();
  const row = await database.row<KeyedRow>(
    CLAIM_KEYED,
    JSON.stringify(toClaimRow(input, 0)),
    keys.map(toComparedText),
    keys.map(toLongText),
  );
  if (row?.kind !== "queued") return toClaimResult(input, row);
  const { waits_for, holder, holder_sent: sent, place } = row;
  const key = keys.find((own) => toComparedText(own) === waits_for) ?? "";
  const name = sent === null ? fromKeyText(holder ?? "") : parseSent(sent, holder ?? "").attemptId;
  return { kind: "queued", key, holder: name, place: place ?? 1 };
}

function toClaimResult({ attemptId, owner }: ClaimInput, row: ClaimRow | undefined): ClaimResult {
  if (row?.kind === "held") return { kind: "held", by: fromKeyText(row.held_by) };
  if (row?.kind !== "granted") return { kind: "gone" };
  return {
    kind: "granted",
    grant: { attemptId, owner, token: row.token },
    deadlineAt: row.deadline_at,
    again: row.again,
    ...(hasLostWorkers(row) && { workersLost: true }),
    ...(row.progress === null ? {} : { progress: JSON.parse(row.progress) as unknown }),
    ...(row.cancelling === null ? {} : { cancelling: row.cancelling }),
    ...(row.sent === null ? {} : { secrets: readSecrets(attemptId, row.sent, row.data) }),
  };
}

/** Reads the values of an attempt's secrets; none from a removed stack. */
function readSecrets(attemptId: string, sent: string, data: string | null): Stack["metadata"] {
  const stack = data === null ? undefined : (JSON.parse(data) as Stack);
  return readAttemptSecrets(stack, attemptId, parseSent(sent, toComparedText(attemptId)).secrets ?? []);
}

/** One call of `renew`. */
export interface RenewCall {
  readonly grant: Grant;
  readonly input: { readonly leaseMs: number; readonly now: number; readonly message?: string };
}

// A renewal that is lost in a power failure makes its lease expire early, and the token then rejects writes of its
// owner. So the renewal does not wait for the disk.
const RENEW = {
  name: "renew_attempts",
  isLong: true as const,
  text: `
with quick as materialized (select set_config('synchronous_commit', 'off', true))
update stackyard.open_attempt o
   set lease_until = g.now + g.lease, progress_message = coalesce(g.message, o.progress_message),
       due_at = least(o.due_at, g.now + g.lease)
  from json_to_recordset($1) as g(n int, home text, id text, token bigint, owner text, lease bigint, message text, now bigint), quick
 where o.home = any($2) and o.home = g.home and o.attempt_id = g.id and o.token = g.token and o.owner = g.owner
   and o.status = 'running'
returning g.n, o.cancelling`,
};

interface RenewRow {
  readonly n: number;
  readonly cancelling: "requested" | "timed-out" | null;
}

/** Renews the leases of different attempts. */
export async function renewAll(database: Database, calls: readonly RenewCall[]): Promise<readonly RenewResult[]> {
  const renewals = calls.map(({ grant, input: { leaseMs, message, now } }, index) => ({
    n: index,
    ...toPlace(grant.attemptId),
    token: grant.token,
    owner: toKeyText(grant.owner),
    lease: leaseMs,
    message: message === undefined ? null : JSON.stringify(message),
    now,
  }));
  const homes = renewals.map(({ home }) => home);
  const rows = await database.rows<RenewRow>(RENEW, JSON.stringify(renewals), homes);
  const renewed = new Map(rows.map(({ n, cancelling }) => [n, cancelling]));
  return calls.map((_, index) => {
    const cancelling = renewed.get(index);
    if (cancelling === undefined) return { kind: "lost" };
    return { kind: "renewed", ...(cancelling === null ? {} : { cancelling }) };
  });
}

const SUSPEND = {
  name: "suspend_attempt",
  isLong: true as const,
  text: `
update stackyard.open_attempt o
   set status = 'suspended', lapses = 0, lease_until = null, progress = $5,
       progress_message = coalesce($6, o.progress_message), opens_at = $9, held_by = $10,
       poll_due_at = case when o.cancelling is not null and not o.cancel_told then $7::bigint else $4::bigint end,
       due_at = least(o.due_at,
                      case when o.cancelling is not null and not o.cancel_told then $7::bigint else $4::bigint end)
 where o.home = $1 and o.attempt_id = $2 and o.token = $3 and o.owner = $8 and o.status = 'running'
returning o.place`,
};

/** Releases the lease until the poll is due, or until now if a cancel was requested after the owner's grant. */
async function suspend(
  database: Database,
  { attemptId, token, owner }: Grant,
  { progress, dueAt, message, opensAt, heldBy, now }: SuspendInput,
): Promise<"suspended" | "lost"> {
  const row = await database.row(
    SUSPEND,
    toHome(attemptId),
    toComparedText(attemptId),
    token,
    dueAt,
    progress === undefined ? null : JSON.stringify(progress),
    message === undefined ? null : JSON.stringify(message),
    now,
    toKeyText(owner),
    opensAt ?? null,
    heldBy ?? null,
  );
  return row === undefined ? "lost" : "suspended";
}

/** One call of `settle`. */
export interface SettleCall {
  readonly grant: Grant;
  readonly input: SettleInput;
}

const SETTLE = {
  name: "settle_attempts",
  isLong: true as const,
  text: "select settled, passed from stackyard.settle_attempts($1, $2, $3)",
};

/**
 * Settles different attempts, each with its events. `passedKeys`: the message of one that waited for a key may be
 * there.
 */
export async function settleAll(
  database: Database,
  calls: readonly SettleCall[],
): Promise<{ readonly results: readonly ("settled" | "lost")[]; readonly passedKeys: boolean }> {
  const settles = calls.map(({ grant, input: { outcome, log, now } }, index) => ({
    n: index,
    ...toPlace(grant.attemptId),
    token: grant.token,
    owner: toKeyText(grant.owner),
    outcome,
    // The output of a task may contain anything, U+0000 included: JSON text can carry that.
    log: log === undefined ? null : JSON.stringify(log),
    now,
  }));
  const homes = settles.map(({ home }) => home);
  const events = calls.flatMap(({ input }, index) => toEvents(input).map((event) => ({ n: index, ...event })));
  const row = await database.row<{ settled: readonly number[]; passed: boolean }>(
    SETTLE,
    JSON.stringify(settles),
    homes,
    JSON.stringify(events),
  );
  const settled = new Set(row?.settled);
  const results = calls.map((_, index) => (settled.has(index) ? ("settled" as const) : ("lost" as const)));
  return { results, passedKeys: row?.passed === true };
}

function toEvents({ event, followUps = [] }: SettleInput): readonly object[] {
  const later = followUps.map((followUp): [QueuedEvent, number] => [followUp.event, followUp.notBefore]);
  return [toEventRow(event), ...later.map(([followUp, notBefore]) => toEventRow(followUp, notBefore))];
}

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
  readonly opens_at: number | null;
  readonly held_by: string | null;
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
       o.progress_message, o.opens_at, o.held_by, false as has_log, null as log, null as outcome
  from stackyard.open_attempt o
  left join lateral (select b.sent from stackyard.history b where b.position = o.began_at limit 1) b on true
  left join lateral (select * from stackyard.held_key k where k.key = o.queued_key limit 1) q on true`;

const toEndedText = (log: string) => `
select h.began_at, substr(h.event_id, 8) as attempt_id, h.stack_id, b.sent, 'settled' as status, h.deadline_at, h.token,
       h.owner, null::bigint as lease_until, null::bigint as poll_due_at, h.cancelling, null::text[] as keys,
       null as queued_key, null as holder, null as holder_sent, null::bigint as place, h.progress_message,
       null::bigint as opens_at, null as held_by,
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
async function findAttempt(database: Database, attemptId: string): Promise<AttemptView | undefined> {
  const row = await findRow(database, attemptId);
  return row === undefined ? undefined : toView(row, parseSent(row.sent, row.attempt_id));
}

/** Finds the message that an attempt was dispatched with. */
async function findTaskMessage(database: Database, attemptId: string): Promise<TaskMessage | undefined> {
  const row = await findRow(database, attemptId);
  return row === undefined ? undefined : parseSent(row.sent, row.attempt_id).message;
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
  return rows.map((row) => toView(row, parseSent(row.sent, row.attempt_id)));
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
  const after = toStartPosition(page.cursor);
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
  const sent = parseSent(row.sent, row.attempt_id);
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

function toView(row: ViewRow, sent: ReadAttempt): AttemptView {
  const { task, entry, attempt, executor, dispatchedAt } = sent;
  return {
    attemptId: sent.attemptId,
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
  const name = sent === null ? fromKeyText(holder ?? "") : parseSent(sent, holder ?? "").attemptId;
  return { queuedFor: { key: fromKeyText(key), holder: name, place: place ?? 1 } };
}

function toOptional(row: ViewRow): Partial<AttemptView> {
  return {
    ...(row.owner === null ? {} : { owner: fromKeyText(row.owner) }),
    ...(row.lease_until === null ? {} : { leaseUntil: row.lease_until }),
    ...(row.poll_due_at === null ? {} : { pollDueAt: row.poll_due_at }),
    ...(row.cancelling === null ? {} : { cancelling: row.cancelling }),
    ...(row.progress_message === null ? {} : { progressMessage: parseText(row.progress_message) }),
    ...(row.opens_at === null ? {} : { opensAt: row.opens_at }),
    ...(row.held_by === null ? {} : { heldBy: row.held_by }),
    ...(row.outcome === null ? {} : { outcome: row.outcome }),
    ...(row.has_log ? { hasLog: true } : {}),
    ...(row.log === null ? {} : { log: parseText(row.log) }),
  };
}

function parseText(json: string): string {
  return JSON.parse(json) as string;
}
