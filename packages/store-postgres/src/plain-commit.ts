import type { Change, CommitResult, Grant } from "@stackyard/core/engine";
import { toDispatchRow } from "./attempt-rows.ts";
import { toBooleanArray, toNumberArray, toTextArray } from "./binary-arrays.ts";
import type { Database, Parameter } from "./database.ts";
import { RESET_ATTEMPT } from "./functions/commit-change.ts";
import { WITHOUT_DONE } from "./functions/events.ts";
import { toComparedText, toHome, toKeyText } from "./key-text.ts";
import { parseReceipts } from "./receipts.ts";
import { toWrittenRow } from "./stack-data.ts";
import type { Statement } from "./statement.ts";

// Nearly every change writes a stack, lines of its history, ids of events, and ends and begins attempts: all such changes of
// a group are one statement over lists. It writes a change only where nothing speaks against it; why one was not written,
// and the changes that do more, is for `commit_change`.

/** Columns of the lists, in the order of the parameters. */
const CHANGE = {
  id: "text",
  version: "int8",
  data: "text",
  machine: "text",
  state: "text",
  busy: "bool",
  trouble: "int8",
  timer: "int8",
  created: "int8",
  updated: "int8",
  now: "int8",
  count: "int8",
  has_results: "bool",
} as const;
/** A row of history: its line, and what goes with it. */
const LINE = { n: "int8", at: "int8", event_id: "text", body: "text" } as const;
const END = { e_home: "text", e_id: "text", e_token: "int8", e_outcome: "text", e_log: "text", swap: "bool" } as const;
const BEGIN = {
  sent: "text",
  g_home: "text",
  g_id: "text",
  g_owner: "text",
  g_lease: "int8",
  g_timeout: "int8",
  g_deadline: "int8",
  g_due: "int8",
  g_secrets: "bool",
} as const;
const APPLIED = { n: "int8", id: "text" } as const;
const DONE = { n: "int8", seq: "int8" } as const;
const CLOSED = { n: "int8", home: "text", id: "text" } as const;

type Columns = Readonly<Record<string, "text" | "int8" | "bool">>;
type Value = string | number | boolean | null;
type Row = Readonly<Record<string, Value>>;

/** Which lists a group has. Each shape is a statement of its own, so that what is not written costs nothing. */
interface Shape {
  readonly isFresh: boolean;
  readonly hasEvents: boolean;
  readonly hasEnds: boolean;
  readonly hasBegins: boolean;
  readonly hasCloses: boolean;
}

/** The lists of a group. `n`, from 1, says to which change a row belongs. */
interface Lists {
  readonly changes: Row[];
  readonly lines: Row[];
  readonly applied: Row[];
  readonly done: Row[];
  /** Attempts that must have ended already: results of this change are not among them. */
  readonly closed: Row[];
}

/** True for a change that this statement can write. */
export function isPlain(change: Change): boolean {
  const { stackId, write, park, unpark, setAside, history, dispatches, cancels, closes } = change;
  if (write.kind !== "put" || park.length + unpark.length + setAside.length + cancels.length > 0) return false;
  if (history.some((line) => line.stackId !== stackId)) return false;
  if (dispatches.some((each) => each.again || each.stackId !== stackId || closes.includes(each.attemptId)))
    return false;
  const { events, tasks } = parseReceipts(change.acknowledges);
  if ((change.results ?? []).length > 0) return events.length + tasks.length + change.appliedIds.length === 0;
  return tasks.length === 0 && events.every(({ stack }) => stack === toKeyText(stackId));
}

/** Writes plain changes of different stacks. Those that it could not write have no result: `commit_change` says why. */
export async function commitPlain(
  database: Database,
  changes: readonly Change[],
): Promise<readonly (CommitResult | undefined)[]> {
  const lists: Lists = { changes: [], lines: [], applied: [], done: [], closed: [] };
  for (const change of changes) addChange(lists, change);
  const [only] = changes;
  if (changes.length === 1 && only !== undefined && isOneResult(only, lists))
    return [await commitResult(database, only, lists)];
  const shape = {
    isFresh: changes.some(({ expectedVersion }) => expectedVersion === 0),
    hasEvents: lists.applied.length + lists.done.length > 0,
    hasEnds: changes.some(({ results = [] }) => results.length > 0),
    hasBegins: changes.some(({ dispatches }) => dispatches.length > 0),
    hasCloses: lists.closed.length > 0,
  };
  const rows = await database.rows<{ n: number; version: number }>(toStatement(shape), ...toValues(lists, shape));
  const versions = new Map(rows.map(({ n, version }) => [n, version]));
  return changes.map((change, index) => {
    const version = versions.get(index + 1);
    return version === undefined ? undefined : { kind: "committed", version, ...toGrants(change) };
  });
}

const COMMIT_RESULT = {
  name: "commit_result",
  isLong: true as const,
  text: `select stackyard.commit_result($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
  $20, $21, $22, $23, $24) as written`,
};

/** True for a change that is nothing but the result of one attempt. */
function isOneResult({ expectedVersion }: Change, { lines: [line, ...others], closed }: Lists): boolean {
  if (expectedVersion === 0 || line === undefined || others.length + closed.length > 0) return false;
  return line["body"] !== null && line["e_id"] !== undefined && (line["g_id"] === undefined || line["swap"] === true);
}

/** Undefined where it was not written. */
async function commitResult(
  database: Database,
  change: Change,
  { changes: [row], lines: [line] }: Lists,
): Promise<CommitResult | undefined> {
  const values = [
    ...RESULT_ROW.map((name) => row?.[name] ?? null),
    ...RESULT_LINE.map((name) => line?.[name] ?? null),
    line?.["g_secrets"] ?? false,
  ];
  const [answer] = await database.rows<{ written: boolean }>(COMMIT_RESULT, ...values);
  if (answer?.written !== true) return undefined;
  return { kind: "committed", version: change.expectedVersion + 1, ...toGrants(change) };
}

const RESULT_ROW = ["id", "version", "data", "machine", "state", "busy", "trouble", "timer", "updated"] as const;
const RESULT_LINE = [
  ...["at", "body", "e_home", "e_id", "e_token", "e_outcome", "e_log", "sent", "g_id", "g_owner", "g_lease"],
  ...["g_timeout", "g_deadline", "g_due"],
] as const;

/** An attempt that takes another one's row goes on above its token. */
function toGrants(change: Change): { readonly grants?: readonly Grant[] } {
  const { claims = [] } = change;
  if (claims.length === 0) return {};
  const before = new Map(
    pairAttempts(change).map(({ result, dispatch }) => [dispatch?.attemptId, result?.grant.token]),
  );
  return {
    grants: claims.map(({ attemptId, owner }) => ({ attemptId, owner, token: (before.get(attemptId) ?? 0) + 1 })),
  };
}

type AppliedResult = NonNullable<Change["results"]>[number];
type Dispatch = Change["dispatches"][number];

/** Attempts that end with those that take their rows over: granted ones of the same home. The others are alone. */
function pairAttempts({ results = [], dispatches, claims = [] }: Change): readonly {
  readonly result?: AppliedResult;
  readonly dispatch?: Dispatch;
}[] {
  const left = [...dispatches];
  const claimed = new Set(claims.map(({ attemptId }) => attemptId));
  const pairs = results.map((result) => {
    const home = toHome(result.grant.attemptId);
    const at = left.findIndex(({ attemptId }) => claimed.has(attemptId) && toHome(attemptId) === home);
    const [dispatch] = at === -1 ? [] : left.splice(at, 1);
    return dispatch === undefined ? { result } : { result, dispatch };
  });
  return [...pairs, ...left.map((dispatch) => ({ dispatch }))];
}

function addChange(lists: Lists, change: Change): void {
  const { stackId, expectedVersion, write, appliedIds, acknowledges, now } = change;
  if (write.kind !== "put") return;
  lists.changes.push({
    ...toWrittenRow(write.stack),
    id: toKeyText(stackId),
    version: expectedVersion,
    now,
    count: appliedIds.length,
    has_results: (change.results ?? []).length > 0,
  });
  const n = lists.changes.length;
  lists.lines.push(...toLines(change).map((line) => ({ n, ...line })));
  for (const id of appliedIds) lists.applied.push({ n, id: toComparedText(id) });
  for (const { seq } of parseReceipts(acknowledges).events) lists.done.push({ n, seq });
  const ended = new Set((change.results ?? []).map(({ grant }) => grant.attemptId));
  for (const id of change.closes) {
    if (!ended.has(id)) lists.closed.push({ n, home: toHome(id), id: toComparedText(id) });
  }
}

/** The lines in their order; an end goes with the line of its result, a beginning with any that has none. */
function toLines(change: Change): readonly Row[] {
  const { history, claims = [], now } = change;
  const lines: Record<string, Value>[] = history.map((entry) => ({
    at: entry.at,
    event_id: toComparedText(entry.eventId),
    body: JSON.stringify(entry),
  }));
  for (const { result, dispatch } of pairAttempts(change)) {
    const eventId = result === undefined ? "" : `result:${toComparedText(result.grant.attemptId)}`;
    let line = lines.find((each) =>
      result === undefined ? each["g_id"] === undefined : each["event_id"] === eventId && each["e_id"] === undefined,
    );
    if (line === undefined || (dispatch !== undefined && line["g_id"] !== undefined)) {
      line = { at: now, event_id: eventId, body: null };
      lines.push(line);
    }
    if (result !== undefined) Object.assign(line, toEnd(result));
    if (dispatch === undefined) continue;
    const claim = claims.find(({ attemptId }) => attemptId === dispatch.attemptId);
    const row = toDispatchRow(dispatch, claim, now);
    Object.assign(line, {
      sent: row.sent,
      g_home: row.home,
      g_id: row.id,
      g_owner: row.owner,
      g_lease: row.lease_until,
      g_timeout: row.timeout,
      g_deadline: row.deadline,
      g_due: row.due,
      g_secrets: row.secrets,
      swap: result !== undefined,
    });
  }
  return lines;
}

function toEnd({ grant, outcome, log }: AppliedResult): Row {
  return {
    e_home: toHome(grant.attemptId),
    e_id: toComparedText(grant.attemptId),
    e_token: grant.token,
    e_outcome: outcome,
    e_log: log === undefined ? null : JSON.stringify(log),
  };
}

function toValues({ changes, lines, applied, done, closed }: Lists, shape: Shape): readonly Parameter[] {
  return [
    ...toArrays(CHANGE, changes),
    ...toArrays(toLineColumns(shape), lines),
    ...(shape.hasEvents ? [...toArrays(APPLIED, applied), ...toArrays(DONE, done)] : []),
    ...(shape.hasCloses ? toArrays(CLOSED, closed) : []),
  ];
}

function toLineColumns({ hasEnds, hasBegins }: Shape): Columns {
  return { ...LINE, ...(hasEnds ? END : {}), ...(hasBegins ? BEGIN : {}) };
}

function toArrays(columns: Columns, rows: readonly Row[]): readonly Parameter[] {
  return Object.entries(columns).map(([name, type]) => {
    if (type === "text") return toTextArray(rows.map((row) => (row[name] ?? null) as string | null));
    if (type === "int8") return toNumberArray(rows.map((row) => (row[name] ?? null) as number | null));
    return toBooleanArray(rows.map((row) => row[name] === true));
  });
}

const statements = new Map<string, Statement>();

function toStatement(shape: Shape): Statement {
  const flags = [
    shape.isFresh && "fresh",
    shape.hasEvents && "events",
    shape.hasEnds && "ends",
    shape.hasBegins && "begins",
    shape.hasCloses && "closes",
  ];
  const name = ["commit", ...flags.filter((flag) => flag !== false)].join("_");
  const known = statements.get(name);
  if (known !== undefined) return known;
  const statement = { name, text: toText(shape), isLong: true as const };
  statements.set(name, statement);
  return statement;
}

function toText(shape: Shape): string {
  let count = 0;
  const list = (columns: Columns) => {
    const parameters = Object.values(columns).map((type, index) => `$${count + index + 1}::${type}[]`);
    count += parameters.length;
    return `unnest(${parameters.join(", ")})`;
  };
  const names = (columns: Columns) => Object.keys(columns).join(", ");
  const { isFresh, hasEvents, hasEnds, hasBegins, hasCloses } = shape;
  const lineColumns = toLineColumns(shape);
  const parts = [
    OPENED,
    `c as materialized (
  select c.*, s.row_id from ${list(CHANGE)} with ordinality as c(${names(CHANGE)}, n)
    left join lateral (select s.ctid as row_id from stackyard.stacks s where s.id = c.id limit 1) s on true)`,
  ];
  const lines = `${list(lineColumns)} with ordinality as l(${names(lineColumns)}, o)`;
  if (hasEvents) {
    parts.push(
      `applied as materialized (select * from ${list(APPLIED)} with ordinality as a(${names(APPLIED)}, o))`,
      `done as materialized (select * from ${list(DONE)} as d(${names(DONE)}))`,
      KNOWN,
    );
  }
  if (hasCloses) parts.push(`closed as materialized (select * from ${list(CLOSED)} as x(${names(CLOSED)}))`, OPEN);
  const checks = [hasEvents && IS_NEW, hasEnds && IS_NEXT, hasCloses && IS_CLOSED]
    .filter((check) => check !== false)
    .join("");
  parts.push(put(checks));
  if (isFresh) parts.push(NAMED, made(checks));
  parts.push(isFresh ? OK_FRESH : OK, rowsOf(lines, hasEnds), recorded(shape));
  if (hasEvents) parts.push(REMEMBERED, ...CONSUMED);
  if (hasEnds && hasBegins) parts.push(SWAPPED);
  if (hasEnds) parts.push(gone(hasBegins));
  if (hasBegins) parts.push(given(hasEnds));
  return `with ${parts.join(",\n")}\nselect ok.n::int, ok.version from ok${guard(shape)}`;
}

// Positions are taken under a lock that says from where on this commit adds to the history: see history_end.
const OPENED = `opened as materialized (
  select pg_advisory_xact_lock_shared(hashtext('stackyard.history'), (nextval('stackyard.history_position') & 2147483647)::int))`;

const KNOWN = `known as materialized (
  select a.n from applied a join c on c.n = a.n
   where (select true from stackyard.event_id i where i.event_id = a.id and i.stack_id = c.id))`;
const IS_NEW = " and c.n not in (select k.n from known k)";
// What is to be closed has mostly ended by its result; one that has not is not for this statement.
const OPEN = `still_open as materialized (
  select x.n from closed x
   where (select true from stackyard.open_attempt o where o.home = x.home and o.attempt_id = x.id limit 1))`;
const IS_CLOSED = " and c.n not in (select x.n from still_open x)";
// A result overtakes no event of its stack.
const IS_NEXT = `
     and (not c.has_results or (select true from stackyard.event_queue q where q.stack_id = c.id limit 1) is null)`;

const put = (checks: string) => `put as (
  update stackyard.stacks s
     set data = c.data, version = s.version + 1, machine = c.machine, state = c.state, busy = c.busy,
         trouble = c.trouble::smallint, timer_at = c.timer, id_count = s.id_count + c.count, foreign_write = false,
         unreadable = null, last_updated_time = stackyard.to_timestamp_utc(c.updated)
    from c
   where s.ctid = c.row_id and s.id = c.id and s.version = c.version and c.version > 0${checks}
  returning c.n, c.id, s.version, s.id_count - c.count as counted, c.now)`;

// Two that make a stack, or park events for it, wait for each other.
const NAMED = `named as materialized (
  select count(pg_advisory_xact_lock(k.key)) as count
    from (select hashtextextended('stackyard.' || c.id, 0) as key from c where c.version = 0 order by 1) k)`;
const made = (checks: string) => `made as (
  insert into stackyard.stacks as s (id, data, creation_time, last_updated_time, version, machine, state, busy, trouble,
                                     timer_at, id_count, foreign_write)
  select c.id, c.data, stackyard.to_timestamp_utc(c.created), stackyard.to_timestamp_utc(c.updated),
         coalesce((select g.version from stackyard.stack_gone g where g.id = c.id), 0) + 1, c.machine, c.state, c.busy,
         c.trouble::smallint, c.timer,
         coalesce((select g.id_count from stackyard.stack_gone g where g.id = c.id), 0) + c.count, false
    from c, named
   where c.version = 0 and named.count > 0${checks}
  on conflict (id) do nothing
  returning s.id, s.version, s.id_count)`;

const OK = "ok as materialized (select * from put)";
const OK_FRESH = `ok as materialized (
  select * from put
   union all
  select c.n, c.id, m.version, m.id_count - c.count, c.now from made m join c on c.id = m.id)`;

const rowsOf = (lines: string, hasEnds: boolean) => `r as materialized (
  select x.*, nextval('stackyard.history_position') as position${hasEnds ? ", o.*" : ""}
    from (select l.*, ok.id as stack_id, ok.now from ${lines} join ok on ok.n = l.n order by l.o) x
   cross join opened${hasEnds ? RUNNING : ""})`;
const RUNNING = `
    left join lateral (
      select o.ctid as row_id, o.began_at, o.deadline_at, o.owner, o.cancelling, o.progress_message
        from stackyard.open_attempt o
       where o.home = x.e_home and o.attempt_id = x.e_id and o.token = x.e_token and o.stack_id = x.stack_id
         and o.status = 'running' and not o.has_keys
       limit 1) o on true`;

const recorded = ({ hasEnds, hasBegins }: Shape) => `recorded as (
  insert into stackyard.history (position, at, stack_id, event_id, body${hasBegins ? ", sent" : ""}${
    hasEnds ? ", began_at, token, deadline_at, outcome, owner, cancelling, progress_message, log" : ""
  })
  select r.position, r.at, r.stack_id, r.event_id, r.body${hasBegins ? ", r.sent" : ""}${
    hasEnds
      ? ", r.began_at, r.e_token, r.deadline_at, r.e_outcome, r.owner, r.cancelling, r.progress_message, r.e_log"
      : ""
  } from r)`;

const REMEMBERED = `remembered as (
  insert into stackyard.event_id (event_id, stack_id, applied_at, number)
  select a.id, ok.id, ok.now, ok.counted + a.o - (select min(b.o) from applied b where b.n = a.n) + 1
    from applied a join ok on ok.n = a.n)`;

const CONSUMED = [
  "consumed as materialized (select d.seq, ok.id from done d join ok on ok.n = d.n)",
  "unqueued as (delete from stackyard.event_queue q where q.seq = any(array(select d.seq from consumed d)))",
  `freed as (
  update stackyard.event_lease l
     set until = case when l.seqs <@ d.seqs then 0 else l.until end, ${WITHOUT_DONE}
    from (select d.id, array_agg(d.seq) as seqs from consumed d group by d.id) d
   where l.stack_id = any(array(select d.id from consumed d)) and l.stack_id = d.id and l.seqs && d.seqs)`,
];

// A row that was written over or is gone meanwhile no longer passes.
const STILL_HELD =
  "o.ctid = r.row_id and o.attempt_id = r.e_id and o.token = r.e_token and o.status = 'running' and not o.has_keys";

const SWAPPED = `swapped as (
  update stackyard.open_attempt o
     set attempt_id = r.g_id, began_at = r.position, status = 'running', token = o.token + 1, first_token = o.token + 1,
         owner = r.g_owner, lease_until = r.g_lease, due_at = least(o.due_at, r.g_due), deadline_at = r.g_deadline,
         ends_at = r.g_deadline, timeout_ms = r.g_timeout, has_secrets = r.g_secrets,
         ${RESET_ATTEMPT}
    from r
   where ${STILL_HELD} and r.swap and (select true from stackyard.open_attempt x where x.home = r.g_home and x.attempt_id = r.g_id limit 1) is null
  returning 1)`;
const gone = (hasBegins: boolean) => `gone as (
  delete from stackyard.open_attempt o using r where ${STILL_HELD}${hasBegins ? " and not r.swap" : ""} returning 1)`;
const given = (hasEnds: boolean) => `given as (
  insert into stackyard.open_attempt (place, began_at, token, first_token, timeout_ms, deadline_at, ends_at, due_at,
                                      lease_until, queue_seq, queued_at, has_secrets, home, attempt_id, stack_id, status, owner)
  select r.position, r.position, case when r.g_owner is null then 0 else 1 end, case when r.g_owner is not null then 1 end,
         r.g_timeout, r.g_deadline, r.g_deadline, r.g_due, r.g_lease,
         case when r.g_owner is null then nextval('stackyard.task_seq') end, case when r.g_owner is null then r.now end,
         r.g_secrets, r.g_home, r.g_id, r.stack_id, case when r.g_owner is null then 'unclaimed' else 'running' end, r.g_owner
    from r
   where r.g_id is not null${hasEnds ? " and not r.swap" : ""}
     and (select true from stackyard.open_attempt x where x.home = r.g_home and x.attempt_id = r.g_id limit 1) is null
  returning 1)`;

/** Every attempt must have ended and begun as it was decided: else nothing of the group may stand. */
function guard({ hasEnds, hasBegins }: Shape): string {
  const written = [hasEnds && hasBegins && "swapped", hasEnds && "gone", hasBegins && "given"].filter(
    (part) => part !== false,
  );
  if (written.length === 0) return "";
  const wanted = [
    ...(hasEnds ? ["(select count(*) from r where r.e_id is not null)"] : []),
    ...(hasBegins ? [`(select count(*) from r where r.g_id is not null${hasEnds ? " and not r.swap" : ""})`] : []),
  ];
  const counts = written.map((part) => `(select count(*) from ${part})`);
  return `\n where case when ${counts.join(" + ")} = ${wanted.join(" + ")} then true else stackyard.changed_hands() end`;
}
