import type { Logger, Store, StoreStats } from "@stackyard/core";
import {
  createPageBuilder,
  type DeadLetter,
  type HistoryFilter,
  type Page,
  type PageInput,
  parseStored,
  type StoredHistoryEntry,
  toStartPosition,
} from "@stackyard/core/engine";
import { listAttempts, listOpenAttempts } from "./attempt-store.ts";
import { fromKeyText, toComparedText, toKeyText } from "./column-values.ts";
import type { Database, Parameter, Statement } from "./database.ts";
import { countStacks, listStacks } from "./list-stacks.ts";
import type { Signals } from "./signals.ts";
import { addFetched, type FetchedRow, maxBytesOf, withinBytes } from "./stored-rows.ts";
import { lookAtForeignRows } from "./take-over.ts";
import { toEventRow } from "./work-queue.ts";

/** Lists for people and counts. */
export function createStackQueries(database: Database, signals: Signals, logger: Logger): Store["queries"] {
  return {
    async listStacks(filter, page) {
      await lookAtForeignRows(database, logger);
      return listStacks(database, filter, page);
    },
    async countStacks(filter, by) {
      await lookAtForeignRows(database, logger);
      return countStacks(database, filter, by);
    },
    listHistory: (filter, page) => listHistory(database, filter, page),
    listOpenAttempts: (filter, page) => listOpenAttempts(database, filter, page),
    listAttempts: (stackId) => listAttempts(database, stackId),
    listParkedStackIds: (page) => listParkedStackIds(database, page),
    listDeadLetters: (filter, page) => listDeadLetters(database, filter, page),
    async redrive(ids) {
      const found = await redrive(database, ids);
      signals.notify(["event"]);
      return found;
    },
    async stats() {
      await lookAtForeignRows(database, logger);
      return readStats(database);
    },
  };
}

const LIST_PARKED = {
  name: "list_parked_stack_ids",
  text: "select distinct stack_id as id from stackyard.parked where stack_id > $1 order by stack_id limit $2",
};

/** Lists ids of stacks with parked events, in order, whether or not the stacks exist. */
async function listParkedStackIds(
  database: Database,
  { after = "", limit }: { readonly after?: string; readonly limit: number },
): Promise<readonly string[]> {
  const rows = await database.rows<{ id: string }>(LIST_PARKED, toKeyText(after), limit);
  return rows.map(({ id }) => fromKeyText(id));
}

interface CountRow {
  readonly queued_events: number;
  readonly queued_tasks: number;
  readonly parked_events: number;
  readonly dead_letters: number;
  readonly open_attempts: number;
}

const COUNTS = {
  name: "count_rows",
  text: `
select (select count(*) from stackyard.event_queue) as queued_events,
       (select count(*) from stackyard.open_attempt where queue_seq is not null) as queued_tasks,
       (select count(*) from stackyard.parked) as parked_events,
       (select count(*) from stackyard.dead_letter) as dead_letters,
       (select count(*) from stackyard.open_attempt) as open_attempts`,
};

const STATES = { name: "count_states", text: "select machine, state, count from stackyard.count_states()" };

/** Counts for health and metrics. All rows of `stacks` are read: a second for a million of them. */
async function readStats(database: Database): Promise<StoreStats> {
  const [counts, rows] = await Promise.all([
    database.row<CountRow>(COUNTS),
    database.rows<StoreStats["states"][number]>(STATES),
  ]);
  const states = rows.map(({ machine, state, count }) => ({
    machine: fromKeyText(machine),
    state: fromKeyText(state),
    count,
  }));
  return {
    stacks: states.reduce((sum, { count }) => sum + count, 0),
    queuedEvents: counts?.queued_events ?? 0,
    queuedTasks: counts?.queued_tasks ?? 0,
    parkedEvents: counts?.parked_events ?? 0,
    deadLetters: counts?.dead_letters ?? 0,
    openAttempts: counts?.open_attempts ?? 0,
    states,
  };
}

interface DeadLetterRow {
  readonly id: string;
  readonly body: string;
}

interface ListedEventRow extends DeadLetterRow, FetchedRow {
  readonly position: number;
}

const LIST = {
  name: "list_dead_letters",
  text: withinBytes({
    rows: `select position, id, body from stackyard.dead_letter
            where position < $1 and ($2::text is null or stack_id = $2) and ($3::text is null or code = $3)
            order by position desc limit $4`,
    body: "body",
    order: "position desc",
    maxBytes: "$5",
  }),
};

/** Lists dead letters, newest first. */
async function listDeadLetters(
  database: Database,
  filter: { readonly stackId?: string; readonly code?: string },
  page: PageInput,
): Promise<Page<DeadLetter>> {
  const found = createPageBuilder<DeadLetter>(page);
  const rows = await database.rows<ListedEventRow>(
    LIST,
    toStartPosition(page.cursor, true),
    filter.stackId === undefined ? null : toKeyText(filter.stackId),
    filter.code === undefined ? null : toKeyText(filter.code),
    page.limit + 1,
    maxBytesOf(found),
  );
  const next = addFetched(found, rows, (row) => ({
    id: fromKeyText(row.id),
    cursor: String(row.position),
    bytes: Buffer.byteLength(row.body),
    read: () => parseDeadLetter(row),
  }));
  return found.end(next);
}

function parseDeadLetter({ id, body }: DeadLetterRow): DeadLetter {
  return parseStored.deadLetter(body, `event ${JSON.stringify(fromKeyText(id))} that was dead-lettered`);
}

const FIND = { name: "find_dead_letter", text: "select id, body from stackyard.dead_letter where id = any($1)" };
const REDRIVE = { name: "redrive", text: "select stackyard.redrive($1, $2) as ids" };

/** Queues the events again under their ids. Returns the ids of the entries that were found, in the order given. */
async function redrive(database: Database, ids: readonly string[]): Promise<readonly string[]> {
  const keys = ids.map(toKeyText);
  const entries = await database.rows<DeadLetterRow>(FIND, keys);
  const events = entries.map(parseDeadLetter).map(({ id, event }) => ({ id: toKeyText(id), event: toEventRow(event) }));
  const order = new Map(keys.map((key, index) => [key, index]));
  events.sort((a, b) => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0));
  const rows = events.map(({ event }, index) => ({ n: index + 1, ...event }));
  const found = events.map(({ id }) => id);
  const row = await database.row<{ ids: readonly string[] | null }>(REDRIVE, found, JSON.stringify(rows));
  return (row?.ids ?? []).map(fromKeyText);
}

interface HistoryRow extends FetchedRow {
  readonly position: number;
  readonly body: string;
}

/** Lists lines in order of positions. */
async function listHistory(
  database: Database,
  filter: HistoryFilter,
  page: PageInput,
): Promise<Page<StoredHistoryEntry>> {
  const isOfAll = filter.stackId === undefined && filter.eventId === undefined;
  const found = createPageBuilder<StoredHistoryEntry>(page);
  const input = { ...page, maxBytes: maxBytesOf(found) };
  const rows = isOfAll ? await readAll(database, filter, input) : await readSome(database, filter, input);
  const next = addFetched(found, rows, ({ position, body }) => ({
    id: String(position),
    cursor: String(position),
    bytes: Buffer.byteLength(body),
    read: () => ({ ...parseStored.historyEntry(body, `line ${position} of the history`), position }),
  }));
  return found.end(next);
}

type ReadInput = PageInput & { readonly maxBytes: number };

const END = { name: "history_end", text: "select stackyard.history_end() as position" };
const FORWARD = {
  name: "list_history",
  text: withinBytes({
    rows: `select position, body from stackyard.history
            where position > $1 and position <= $2 and body is not null order by position limit $3`,
    body: "body",
    order: "position",
    maxBytes: "$4",
  }),
};
const BACKWARD = {
  name: "list_history_newest",
  text: withinBytes({
    rows: `select position, body from stackyard.history
            where position < $1 and position <= $2 and body is not null order by position desc limit $3`,
    body: "body",
    order: "position desc",
    maxBytes: "$4",
  }),
};

/**
 * Reads the history up to where it is complete, so that a reader that continues after the last line misses no late one.
 */
async function readAll(
  database: Database,
  { newestFirst }: HistoryFilter,
  { cursor, limit, maxBytes }: ReadInput,
): Promise<readonly HistoryRow[]> {
  const start = toStartPosition(cursor, newestFirst);
  const end = await database.row<{ position: number }>(END);
  const statement = newestFirst === true ? BACKWARD : FORWARD;
  return database.rows<HistoryRow>(statement, start, end?.position ?? 0, limit + 1, maxBytes);
}

/** Reads the lines of one stack, which are committed in order, or of one event; segment by segment. */
async function readSome(
  database: Database,
  { stackId, eventId, newestFirst }: HistoryFilter,
  { cursor, limit, maxBytes }: ReadInput,
): Promise<readonly HistoryRow[]> {
  const values: Parameter[] = [toStartPosition(cursor, newestFirst), limit + 1, maxBytes];
  const stack = stackId === undefined ? "" : `$${values.push(toKeyText(stackId))}`;
  const event = eventId === undefined ? "" : `$${values.push(toComparedText(eventId))}`;
  const isResult = eventId?.startsWith("result:") === true;
  const name = ["list_history", isResult ? "result" : event && "event", stack && "stack", newestFirst && "newest"];
  const sources = event === "" ? [`h.stack_id = ${stack}`] : toEventSources(event, isResult, stack);
  return database.rows<HistoryRow>(toHistoryStatement(name, sources, newestFirst === true), ...values);
}

/**
 * Returns the sources of an event's lines. An event has few lines, a stack may have many, so its own index is used.
 * Lines of results are not in it, and are found by the stack that the attempt's id begins with.
 */
function toEventSources(event: string, isResult: boolean, stack: string): readonly string[] {
  const ofStack = stack === "" ? "" : ` and h.stack_id || '' = ${stack}`;
  const byEvent = `hashtextextended(h.event_id, 0) = hashtextextended(${event}, 0) and h.event_id = ${event}
      and split_part(h.event_id, '/', 1) <> 'result:' || h.stack_id${ofStack}`;
  const byStack = `h.stack_id = substr(split_part(${event}, '/', 1), 8) and h.event_id = ${event}${ofStack}`;
  return isResult ? [byEvent, byStack] : [byEvent];
}

function toHistoryStatement(
  name: readonly (string | boolean | undefined)[],
  sources: readonly string[],
  newestFirst: boolean,
): Statement {
  const [first, last, step] = newestFirst ? ["max", "min", -1] : ["min", "max", 1];
  const [after, order] = newestFirst ? ["<", "desc"] : [">", "asc"];
  const lines = sources.map(
    (condition) => `
   (select h.position, h.body from stackyard.history h
     where h.position >> 15 = segment and ${condition} and h.position ${after} $1 and h.body is not null
     order by h.position ${order} limit $2)`,
  );
  const rows = `
select h.position, h.body
  from generate_series((select ${first}(position) >> 15 from stackyard.history),
                       (select ${last}(position) >> 15 from stackyard.history), ${step}) as segment
 cross join lateral (select * from (${lines.join(" union all")}) u order by u.position ${order} limit $2) h
 limit $2`;
  const text = withinBytes({ rows, body: "body", order: `position ${order}`, maxBytes: "$3" });
  return { name: name.filter(Boolean).join("_"), text };
}
