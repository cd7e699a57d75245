import type { Change, CommitResult } from "@stackyard/core/engine";
import { toBooleanArray, toComparedText, toHome, toKeyText, toNumberArray, toTextArray } from "./column-values.ts";
import type { Database, Parameter, Statement } from "./database.ts";
import { COMMIT_RESULT_PARAMETERS, type CommitResultParameter, RESET_ATTEMPT } from "./sql/commit-functions.ts";
import { WITHOUT_DONE } from "./sql/event-functions.ts";
import { type DispatchRow, toDispatchRow, toWrittenRow, type WrittenRow } from "./stored-rows.ts";
import { parseReceipts } from "./work-queue.ts";

// Nearly every change writes a stack, lines of its history, ids of events, and ends and begins attempts: all such
// changes of a group are one statement over lists. It writes a change only where nothing speaks against it; why one was
// not written, and the changes that do more, is for `commit_change`.

// Columns of the lists, in the order of their parameters.
const CHANGE =
  "id text, version int8, data text, machine text, state text, busy bool, trouble int8, timer int8, created int8, " +
  "updated int8, now int8, count int8, has_results bool";
/** A row of history: its line, and what goes with it. */
const LINE = "n int8, at int8, event_id text, body text";
const END = "e_home text, e_id text, e_token int8, e_outcome text, e_log text, swap bool";
const BEGIN =
  "sent text, g_home text, g_id text, g_owner text, g_lease int8, g_timeout int8, g_deadline int8, g_due int8, g_secrets bool";
const APPLIED = "n int8, id text";
const DONE = "n int8, seq int8";
const CLOSED = "n int8, home text, id text";

/** The kinds of lists in a group. Each shape is a separate statement, so unused lists cost nothing. */
interface Shape {
  readonly isFresh: boolean;
  readonly hasEvents: boolean;
  readonly hasEnds: boolean;
  readonly hasBegins: boolean;
  readonly hasCloses: boolean;
}

/** A row of history with what ends and begins by it. */
interface Line {
  readonly n: number;
  readonly at: number;
  readonly eventId: string;
  readonly body: string | null;
  result?: AppliedResult;
  begin?: DispatchRow;
  /** True when an attempt that begins takes the row of one that ends. */
  swap?: boolean;
}

/** The lists of a group. `n`, from 1, is the change of a row. */
interface Lists {
  readonly changes: readonly Change[];
  readonly stacks: readonly WrittenRow[];
  readonly lines: readonly Line[];
  readonly applied: { readonly n: number[]; readonly id: string[] };
  readonly done: { readonly n: number[]; readonly seq: number[] };
  /** Attempts that must have ended already: results of this change are not among them. */
  readonly closed: { readonly n: number[]; readonly home: string[]; readonly id: string[] };
  /** Tokens of attempts that reuse rows of earlier ones and continue above their tokens; all others start at 1. */
  readonly tokens: Map<string, number>;
}

/** Returns true for a change that this statement can write. */
export function isPlain(change: Change): boolean {
  const { stackId, write, park, unpark, deadLetters, history, dispatches, cancels, endedAttempts } = change;
  if (change.audit !== undefined) return false;
  if (write.kind !== "put" || park.length + unpark.length + deadLetters.length + cancels.length > 0) return false;
  if (history.some((line) => line.stackId !== stackId)) return false;
  if (dispatches.some((each) => each.again || each.stackId !== stackId || endedAttempts.includes(each.attemptId)))
    return false;
  const { events, tasks } = parseReceipts(change.receipts);
  if ((change.results ?? []).length > 0) return events.length + tasks.length + change.appliedIds.length === 0;
  return tasks.length === 0 && events.every(({ stack }) => stack === toKeyText(stackId));
}

/** Writes plain changes of different stacks. A change without a result was not written: `commit_change` says why. */
export async function commitPlain(
  database: Database,
  changes: readonly Change[],
): Promise<readonly (CommitResult | undefined)[]> {
  const lists = toLists(changes);
  const [change, ...others] = changes;
  if (change === undefined) return [];
  if (others.length === 0 && isOneResult(change, lists)) return [await commitResult(database, change, lists)];
  const shape = {
    isFresh: changes.some(({ expectedVersion }) => expectedVersion === 0),
    hasEvents: lists.applied.n.length + lists.done.n.length > 0,
    hasEnds: changes.some(({ results = [] }) => results.length > 0),
    hasBegins: changes.some(({ dispatches }) => dispatches.length > 0),
    hasCloses: lists.closed.n.length > 0,
  };
  const rows = await database.rows<{ n: number; version: number }>(toStatement(shape), ...toValues(lists, shape));
  const versions = new Map(rows.map(({ n, version }) => [n, version]));
  return changes.map((each, index) => toCommitted(each, versions.get(index + 1), lists.tokens));
}

const RESULT_PARAMETERS = Object.keys(COMMIT_RESULT_PARAMETERS) as readonly CommitResultParameter[];
const COMMIT_RESULT = {
  name: "commit_result",
  isLong: true as const,
  text: `select stackyard.commit_result(${RESULT_PARAMETERS.map((_, index) => `$${index + 1}`).join(", ")}) as written`,
};

/** Returns true for a change that is only the result of one attempt. */
function isOneResult({ expectedVersion }: Change, { lines: [line, ...others], closed }: Lists): boolean {
  if (expectedVersion === 0 || line === undefined || others.length + closed.n.length > 0) return false;
  return line.body !== null && line.result !== undefined && (line.begin === undefined || line.swap === true);
}

/** Commits the result of one attempt. Returns undefined when it was not written. */
async function commitResult(
  database: Database,
  change: Change,
  { stacks: [stack], lines: [line], tokens }: Lists,
): Promise<CommitResult | undefined> {
  if (stack === undefined || line?.result === undefined) return undefined;
  const { grant, outcome, log } = line.result;
  const { begin } = line;
  const values: Readonly<Record<CommitResultParameter, Parameter>> = {
    p_id: toKeyText(change.stackId),
    p_version: change.expectedVersion,
    p_data: stack.data,
    p_machine: stack.machine,
    p_state: stack.state,
    p_busy: stack.busy,
    p_trouble: stack.trouble,
    p_timer: stack.timer,
    p_updated: stack.updated,
    p_at: line.at,
    p_body: line.body,
    p_home: toHome(grant.attemptId),
    p_attempt: toComparedText(grant.attemptId),
    p_token: grant.token,
    p_outcome: outcome,
    p_log: toLogText(log),
    p_sent: begin?.sent ?? null,
    p_next: begin?.id ?? null,
    p_owner: begin?.owner ?? null,
    p_lease: begin?.lease_until ?? null,
    p_timeout: begin?.timeout ?? null,
    p_deadline: begin?.deadline ?? null,
    p_due: begin?.due ?? null,
    p_secrets: begin?.secrets ?? false,
  };
  const [answer] = await database.rows<{ written: boolean }>(
    COMMIT_RESULT,
    ...RESULT_PARAMETERS.map((name) => values[name]),
  );
  return toCommitted(change, answer?.written === true ? change.expectedVersion + 1 : undefined, tokens);
}

function toLogText(log: string | undefined): string | null {
  return log === undefined ? null : JSON.stringify(log);
}

function toCommitted(
  { claims = [] }: Change,
  version: number | undefined,
  tokens: ReadonlyMap<string, number>,
): CommitResult | undefined {
  if (version === undefined) return undefined;
  if (claims.length === 0) return { kind: "committed", version };
  const grants = claims.map(({ attemptId, owner }) => ({ attemptId, owner, token: tokens.get(attemptId) ?? 1 }));
  return { kind: "committed", version, grants };
}

type AppliedResult = NonNullable<Change["results"]>[number];
type Dispatch = Change["dispatches"][number];

/** An attempt that ends with the one that takes its row over, or one of the two. */
interface Pair {
  readonly result?: AppliedResult;
  readonly dispatch?: Dispatch;
}

/**
 * Pairs attempts that end with those that take their rows over: granted ones of the same home. The others are alone.
 */
function pairAttempts({ results = [], dispatches, claims = [] }: Change): readonly Pair[] {
  const left = [...dispatches];
  const pairs: Pair[] = results.map((result) => {
    const home = toHome(result.grant.attemptId);
    const at = left.findIndex(
      ({ attemptId }) => toHome(attemptId) === home && claims.some((claim) => claim.attemptId === attemptId),
    );
    const [dispatch] = at === -1 ? [] : left.splice(at, 1);
    return dispatch === undefined ? { result } : { result, dispatch };
  });
  for (const dispatch of left) pairs.push({ dispatch });
  return pairs;
}

function toLists(changes: readonly Change[]): Lists {
  const stacks: WrittenRow[] = [];
  const lines: Line[] = [];
  const applied: Lists["applied"] = { n: [], id: [] };
  const done: Lists["done"] = { n: [], seq: [] };
  const closed: Lists["closed"] = { n: [], home: [], id: [] };
  const tokens: Lists["tokens"] = new Map();
  for (const [index, change] of changes.entries()) {
    const { write, appliedIds, receipts, endedAttempts, results = [] } = change;
    if (write.kind !== "put") throw new TypeError("A plain change writes a stack.");
    const n = index + 1;
    stacks.push(toWrittenRow(write.stack));
    addLines({ lines, tokens }, n, change);
    for (const id of appliedIds) {
      applied.n.push(n);
      applied.id.push(toComparedText(id));
    }
    for (const { seq } of parseReceipts(receipts).events) {
      done.n.push(n);
      done.seq.push(seq);
    }
    for (const id of endedAttempts) {
      if (results.some(({ grant }) => grant.attemptId === id)) continue;
      closed.n.push(n);
      closed.home.push(toHome(id));
      closed.id.push(toComparedText(id));
    }
  }
  return { changes, stacks, lines, applied, done, closed, tokens };
}

/** The lists that `addLines` adds to. */
interface LineLists {
  readonly lines: Line[];
  readonly tokens: Map<string, number>;
}

/** Adds the lines in their order; an end belongs to the line of its result, a beginning to any line without one. */
function addLines({ lines, tokens }: LineLists, n: number, change: Change): void {
  const { history, claims = [], now } = change;
  const first = lines.length;
  for (const entry of history) {
    lines.push({ n, at: entry.at, eventId: toComparedText(entry.eventId), body: JSON.stringify(entry) });
  }
  for (const pair of pairAttempts(change)) {
    const eventId = pair.result === undefined ? "" : `result:${toComparedText(pair.result.grant.attemptId)}`;
    let line = findLine(lines, first, pair, eventId);
    if (line === undefined) {
      line = { n, at: now, eventId, body: null };
      lines.push(line);
    }
    const { result, dispatch } = pair;
    if (result !== undefined) line.result = result;
    if (dispatch === undefined) continue;
    const claim = claims.find(({ attemptId }) => attemptId === dispatch.attemptId);
    line.begin = toDispatchRow(dispatch, claim, now);
    line.swap = result !== undefined;
    if (result !== undefined) tokens.set(dispatch.attemptId, result.grant.token + 1);
  }
}

/** Finds the line of a result; for an attempt that only begins any line, from `first` on, without another one. */
function findLine(lines: readonly Line[], first: number, pair: Pair, eventId: string): Line | undefined {
  for (let at = first; at < lines.length; at += 1) {
    const line = lines[at];
    const isTaken = pair.dispatch !== undefined && line?.begin !== undefined;
    if (isTaken) continue;
    if (pair.result === undefined || (line?.eventId === eventId && line.result === undefined)) return line;
  }
  return undefined;
}

function toValues({ changes, stacks, lines, applied, done, closed }: Lists, shape: Shape): readonly Parameter[] {
  return [
    toTextArray(changes.map(({ stackId }) => toKeyText(stackId))),
    toNumberArray(changes.map(({ expectedVersion }) => expectedVersion)),
    toTextArray(stacks.map(({ data }) => data)),
    toTextArray(stacks.map(({ machine }) => machine)),
    toTextArray(stacks.map(({ state }) => state)),
    toBooleanArray(stacks.map(({ busy }) => busy)),
    toNumberArray(stacks.map(({ trouble }) => trouble)),
    toNumberArray(stacks.map(({ timer }) => timer)),
    toNumberArray(stacks.map(({ created }) => created)),
    toNumberArray(stacks.map(({ updated }) => updated)),
    toNumberArray(changes.map(({ now }) => now)),
    toNumberArray(changes.map(({ appliedIds }) => appliedIds.length)),
    toBooleanArray(changes.map(({ results = [] }) => results.length > 0)),
    ...toLineValues(lines, shape),
    ...(shape.hasEvents
      ? [toNumberArray(applied.n), toTextArray(applied.id), toNumberArray(done.n), toNumberArray(done.seq)]
      : []),
    ...(shape.hasCloses ? [toNumberArray(closed.n), toTextArray(closed.home), toTextArray(closed.id)] : []),
  ];
}

function toLineValues(lines: readonly Line[], { hasEnds, hasBegins }: Shape): readonly Parameter[] {
  const values = [
    toNumberArray(lines.map(({ n }) => n)),
    toNumberArray(lines.map(({ at }) => at)),
    toTextArray(lines.map(({ eventId }) => eventId)),
    toTextArray(lines.map(({ body }) => body)),
  ];
  if (hasEnds) {
    values.push(
      toTextArray(lines.map(({ result }) => (result === undefined ? null : toHome(result.grant.attemptId)))),
      toTextArray(lines.map(({ result }) => (result === undefined ? null : toComparedText(result.grant.attemptId)))),
      toNumberArray(lines.map(({ result }) => result?.grant.token ?? null)),
      toTextArray(lines.map(({ result }) => result?.outcome ?? null)),
      toTextArray(lines.map(({ result }) => toLogText(result?.log))),
      toBooleanArray(lines.map(({ swap }) => swap === true)),
    );
  }
  if (hasBegins) {
    values.push(
      toTextArray(lines.map(({ begin }) => begin?.sent ?? null)),
      toTextArray(lines.map(({ begin }) => begin?.home ?? null)),
      toTextArray(lines.map(({ begin }) => begin?.id ?? null)),
      toTextArray(lines.map(({ begin }) => begin?.owner ?? null)),
      toNumberArray(lines.map(({ begin }) => begin?.lease_until ?? null)),
      toNumberArray(lines.map(({ begin }) => begin?.timeout ?? null)),
      toNumberArray(lines.map(({ begin }) => begin?.deadline ?? null)),
      toNumberArray(lines.map(({ begin }) => begin?.due ?? null)),
      toBooleanArray(lines.map(({ begin }) => begin?.secrets === true)),
    );
  }
  return values;
}

const statements = new Map<string, Statement>();

function toStatement(shape: Shape): Statement {
  const flags = [
    shape.isFresh && "fresh",
    shape.hasEvents && "events",
    shape.hasEnds && "ends",
    shape.hasBegins && "begins",
    shape.hasCloses && "endedAttempts",
  ];
  const name = ["commit", ...flags.filter((flag) => flag !== false)].join("_");
  const known = statements.get(name);
  if (known !== undefined) return known;
  const statement = { name, text: toText(shape), isLong: true as const };
  statements.set(name, statement);
  return statement;
}

function names(columns: string): string {
  return columns.replaceAll(/ (text|int8|bool)/g, "");
}

/** Makes lists of the next parameters. */
function createParameterLists(): (columns: string) => string {
  let count = 0;
  return (columns) => {
    const parameters = columns.split(", ").map((column) => {
      count += 1;
      return `$${count}::${column.split(" ")[1]}[]`;
    });
    return `unnest(${parameters.join(", ")})`;
  };
}

function toLineColumns({ hasEnds, hasBegins }: Shape): string {
  return [LINE, hasEnds && END, hasBegins && BEGIN].filter((columns) => columns !== false).join(", ");
}

function toChecks({ hasEvents, hasEnds, hasCloses }: Shape): string {
  return [hasEvents && IS_NEW, hasEnds && IS_NEXT, hasCloses && IS_CLOSED].filter((check) => check !== false).join("");
}

function toText(shape: Shape): string {
  const list = createParameterLists();
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
  const checks = toChecks(shape);
  parts.push(put(checks));
  if (isFresh) parts.push(NAMED, made(checks));
  parts.push(isFresh ? OK_FRESH : OK, rowsOf(lines, hasEnds), recorded(shape));
  if (hasEvents) parts.push(REMEMBERED, ...CONSUMED);
  if (hasEnds && hasBegins) parts.push(SWAPPED);
  if (hasEnds) parts.push(gone(hasBegins));
  if (hasBegins) parts.push(given(hasEnds));
  return `with ${parts.join(",\n")}\nselect ok.n::int, ok.version from ok${guard(shape)}`;
}

// Positions are taken under a lock that publishes from which position this commit adds to the history: see history_end.
const OPENED = `opened as materialized (
  select pg_advisory_xact_lock_shared(hashtext('stackyard.history'), (nextval('stackyard.history_position') & 2147483647)::int))`;

const KNOWN = `known as materialized (
  select a.n from applied a join c on c.n = a.n
   where (select true from stackyard.event_id i where i.event_id = a.id and i.stack_id = c.id))`;
const IS_NEW = " and c.n not in (select k.n from known k)";
// Attempts to close have mostly ended by their result; others are not for this statement.
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

/** Returns the condition that every attempt has ended and begun as decided: otherwise nothing is written. */
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
