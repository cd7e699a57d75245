import type { Store } from "@stackyard/core";
import type { Database } from "./database.ts";
import { fromKeyText } from "./key-text.ts";

type StoreStats = Awaited<ReturnType<Store["stats"]>>;

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
       (select count(*) from stackyard.task_queue) as queued_tasks,
       (select count(*) from stackyard.parked) as parked_events,
       (select count(*) from stackyard.set_aside) as set_aside_events,
       (select count(*) from stackyard.live) as open_attempts`,
};

interface StateRow {
  readonly machine: string;
  readonly state: string;
  readonly count: number;
}

const STATES = { name: "count_states", text: "select machine, state, count from stackyard.count_states()" };

/** Counts for health and metrics. All rows of `stacks` are read: a second for a million of them. */
export async function readStats(database: Database): Promise<StoreStats> {
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
