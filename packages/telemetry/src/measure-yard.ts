import type { Clock, Store } from "@stackyard/core";
import type { Count } from "./metric-sink.ts";

/** What is read of a store. */
export interface MeasuredStore {
  readonly queries: Pick<Store["queries"], "stats" | "listStacks">;
}

/** Measures how a yard stands, at most once in five minutes; false: not now. */
export type MeasureYard = (store: MeasuredStore) => Promise<boolean>;

/** In DynamoDB each look reads the whole table three times, which is paid for. */
const EVERY_MS = 300_000;
/** More are told as so many. */
const MOST_LISTED = 1_000;

/** Of one process. Several measure the same, each in its turn. */
export function createMeasureYard({ count, clock }: { readonly count: Count; readonly clock: Clock }): MeasureYard {
  let measuredIn = Number.NaN;
  let told = new Map<string, { readonly machine: string; readonly state: string }>();
  return async (store) => {
    const slot = Math.floor(clock.now() / EVERY_MS);
    if (slot === measuredIn) return false;
    const page = { limit: MOST_LISTED };
    const [stats, stalled, failed] = await Promise.all([
      store.queries.stats(),
      store.queries.listStacks({ condition: "stalled" }, page),
      store.queries.listStacks({ condition: "failed" }, page),
    ]);
    const present = new Map(stats.states.map(({ machine, state }) => [`${machine}\u0000${state}`, { machine, state }]));
    // A state that the last stack has left would keep its last value for ever.
    for (const [key, dimensions] of told) if (!present.has(key)) count("stacks", 0, dimensions);
    for (const { machine, state, count: stacks } of stats.states) count("stacks", stacks, { machine, state });
    told = present;
    count("stalled_stacks", stalled.items.length);
    count("failed_stacks", failed.items.length);
    count("queued_events", stats.queuedEvents);
    count("queued_tasks", stats.queuedTasks);
    count("parked_events", stats.parkedEvents);
    count("set_aside_events", stats.setAsideEvents);
    count("open_attempts", stats.openAttempts);
    measuredIn = slot;
    return true;
  };
}
