import type { Logger, Store } from "@stackyard/core";
import { listAttempts } from "./attempt-views.ts";
import type { Database } from "./database.ts";
import { fromKeyText, toKeyText } from "./key-text.ts";
import { listHistory } from "./list-history.ts";
import { listStacks } from "./list-stacks.ts";
import { listSetAside, redrive } from "./set-aside-events.ts";
import type { Signals } from "./signals.ts";
import { lookAtForeignRows } from "./take-over.ts";

const EVENT = new Set(["event"] as const);

/** Lists for people and counts. */
export function createStackQueries(database: Database, signals: Signals, logger: Logger): Store["queries"] {
  return {
    async listStacks(filter, page) {
      await lookAtForeignRows(database, logger);
      return listStacks(database, filter, page);
    },
    listHistory: (filter, page) => listHistory(database, filter, page),
    listAttempts: (stackId) => listAttempts(database, stackId),
    listParkedStackIds: (page) => listParkedStackIds(database, page),
    listSetAside: (filter, page) => listSetAside(database, filter, page),
    async redrive(ids) {
      const found = await redrive(database, ids);
      signals.tell(EVENT);
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

/** Ids of stacks with parked events, in order, whether or not the stacks exist. */
async function listParkedStackIds(
  database: Database,
  { after = "", limit }: { readonly after?: string; readonly limit: number },
): Promise<readonly string[]> {
  const rows = await database.rows<{ id: string }>(LIST_PARKED, toKeyText(after), limit);
  return rows.map(({ id }) => fromKeyText(id));
}

type StoreStats = Awaited<ReturnType<Store["queries"]["stats"]>>;

interface CountRow {
  readonly queued_events: number;
  readonly queued_tasks: number;
  readonly parked_events: number;
  readonly set_aside_events: number;
  readonly open_attempts: number;
}

const COUNTS = {
  name: "count_rows",
  text: `
select (select count(*) from stackyard.event_queue) as queued_events,
       (select count(*) from stackyard.open_attempt where queue_seq is not null) as queued_tasks,
       (select count(*) from stackyard.parked) as parked_events,
       (select count(*) from stackyard.set_aside) as set_aside_events,
       (select count(*) from stackyard.open_attempt) as open_attempts`,
};

interface StateRow {
  readonly machine: string;
  readonly state: string;
  readonly count: number;
}

const STATES = { name: "count_states", text: "select machine, state, count from stackyard.count_states()" };

/** Counts for health and metrics. All rows of `stacks` are read: a second for a million of them. */
async function readStats(database: Database): Promise<StoreStats> {
  const [counts, rows] = await Promise.all([database.row<CountRow>(COUNTS), database.rows<StateRow>(STATES)]);
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
    setAsideEvents: counts?.set_aside_events ?? 0,
    openAttempts: counts?.open_attempts ?? 0,
    states,
  };
}
