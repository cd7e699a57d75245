import type { Statement } from "../database.ts";
import { RESET_ATTEMPT } from "./commit-functions.ts";
import { WITHOUT_DONE } from "./event-functions.ts";

// Columns of the lists, in the order of their parameters.
const CHANGE =
  "id text, version int8, data text, machine text, state text, busy bool, trouble int8, timer int8, created int8, " +
  "updated int8, now int8, count int8, has_results bool";
/** A row of history: its line, and what goes with it. */
const LINE = "n int8, at int8, event_id text, revision int8, body text";
const END = "e_home text, e_id text, e_token int8, e_owner text, e_outcome text, e_log text, swap bool";
const BEGIN =
  "sent text, g_home text, g_id text, g_owner text, g_lease int8, g_timeout int8, g_deadline int8, g_due int8, g_secrets bool";
const APPLIED = "n int8, id text";
const DONE = "n int8, seq int8";
const CLOSED = "n int8, home text, id text";

/** The kinds of lists in a group. Each shape is a separate statement, so unused lists cost nothing. */
export interface Shape {
  readonly isFresh: boolean;
  readonly hasEvents: boolean;
  readonly hasEnds: boolean;
  readonly hasBegins: boolean;
  readonly hasCloses: boolean;
}

const statements = new Map<string, Statement>();

/** Returns the statement that commits groups of a shape; each is made once. */
export function toStatement(shape: Shape): Statement {
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
       where o.home = x.e_home and o.attempt_id = x.e_id and o.token = x.e_token and o.owner = x.e_owner and o.stack_id = x.stack_id
         and o.status = 'running' and not o.has_keys
       limit 1) o on true`;

const recorded = ({ hasEnds, hasBegins }: Shape) => `recorded as (
  insert into stackyard.history (position, at, stack_id, event_id, revision, body${hasBegins ? ", sent" : ""}${
    hasEnds ? ", began_at, token, deadline_at, outcome, owner, cancelling, progress_message, log" : ""
  })
  select r.position, r.at, r.stack_id, r.event_id, r.revision, r.body${hasBegins ? ", r.sent" : ""}${
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
  "o.ctid = r.row_id and o.attempt_id = r.e_id and o.token = r.e_token and o.owner = r.e_owner and o.status = 'running' and not o.has_keys";

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
