import { defined, type Logger, type Store, type StoreStats } from "@stackyard/core";
import {
  createPageBuilder,
  type DeadLetter,
  type Page,
  type PageInput,
  parseStored,
  toStartPosition,
} from "@stackyard/core/engine";
import { listAttempts, listOpenAttempts } from "./attempt-store.ts";
import { fromKeyText, toKeyText } from "./column-values.ts";
import type { Database } from "./database.ts";
import { listHistory } from "./history.ts";
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
    dismiss: (ids) => dismiss(database, ids),
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
  readonly oldest_event_at: number | null;
}

const COUNTS = {
  name: "count_rows",
  text: `
select (select count(*) from stackyard.event_queue) as queued_events,
       (select count(*) from stackyard.open_attempt where queue_seq is not null) as queued_tasks,
       (select count(*) from stackyard.parked) as parked_events,
       (select count(*) from stackyard.dead_letter) as dead_letters,
       (select count(*) from stackyard.open_attempt) as open_attempts,
       (select queued_at from stackyard.event_queue order by seq limit 1) as oldest_event_at`,
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
    ...defined({ oldestEventAt: counts?.oldest_event_at ?? undefined }),
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
  const next = addFetched(found, { rows, asked: page.limit + 1 }, (row) => ({
    id: fromKeyText(row.id),
    cursor: String(row.position),
    bytes: Buffer.byteLength(row.body),
    read: () => parseDeadLetter(row),
  }));
  return found.end(next && String(next.position));
}

function parseDeadLetter({ id, body }: DeadLetterRow): DeadLetter {
  return parseStored.deadLetter(body, `event ${JSON.stringify(fromKeyText(id))} that was dead-lettered`);
}

const DISMISS = { name: "dismiss", text: "delete from stackyard.dead_letter where id = any($1) returning id" };

/** Removes the entries. Returns the ids of those that were found, in the order given. */
async function dismiss(database: Database, ids: readonly string[]): Promise<readonly string[]> {
  const rows = await database.rows<{ id: string }>(DISMISS, ids.map(toKeyText));
  const found = new Set(rows.map(({ id }) => fromKeyText(id)));
  return ids.filter((id) => found.delete(id));
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
