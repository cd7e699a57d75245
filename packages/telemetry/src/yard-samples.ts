import { STACK_CONDITIONS, type Store, type StoreStats } from "@stackyard/core";
import type { MainCondition } from "@stackyard/core/engine";
import type { Dimensions, MetricName } from "./metrics.ts";

/** The parts of a store that are measured. */
export interface MeasuredStore {
  readonly queries: Pick<Store["queries"], "stats" | "countStacks" | "listOpenAttempts">;
}

/** The value of a gauge. */
export interface GaugeSample {
  readonly name: MetricName;
  readonly value: number;
  readonly dimensions: Dimensions;
}

/** Loads the gauges of a yard: stacks by state and by condition, and what waits since when. Reads all stacks. */
export async function loadYardSamples(store: MeasuredStore, now: number): Promise<readonly GaugeSample[]> {
  const [stats, { groups }, main, { items: tasks }] = await Promise.all([
    store.queries.stats(),
    store.queries.countStacks({}, "condition"),
    store.queries.countStacks({ needsPerson: true }, "mainCondition"),
    store.queries.listOpenAttempts({ status: "unclaimed" }, { limit: 1 }),
  ]);
  const conditions = new Map(groups.map(({ condition, count }) => [condition, count]));
  return [
    ...stats.states.map(({ machine, state, count }) => sample("stacks", count, { machine, state })),
    ...STACK_CONDITIONS.map((condition) =>
      sample("stacks_in_condition", conditions.get(condition) ?? 0, { condition }),
    ),
    ...NEEDY.map((condition) => {
      const needy = main.groups.filter(({ mainCondition }) => mainCondition === condition);
      return sample(
        "stacks_needing_person",
        needy.reduce((sum, { count }) => sum + count, 0),
        { condition },
      );
    }),
    sample("stalled_stacks", conditions.get("stalled") ?? 0),
    sample("failed_stacks", conditions.get("failed") ?? 0),
    ...toQueueSamples(stats),
    sample("oldest_event_age_seconds", toAge(stats.oldestEventAt, now)),
    sample("oldest_task_age_seconds", toAge(tasks[0]?.dispatchedAt, now)),
  ];
}

/** The main conditions of stacks that may need a person. */
const NEEDY = ["failed", "degraded", "overdue", "stalled", "approval"] as const satisfies readonly MainCondition[];

function sample(name: MetricName, value: number, dimensions: Dimensions = {}): GaugeSample {
  return { name, value, dimensions };
}

function toQueueSamples(stats: StoreStats): readonly GaugeSample[] {
  return [
    sample("queued_events", stats.queuedEvents),
    sample("queued_tasks", stats.queuedTasks),
    sample("parked_events", stats.parkedEvents),
    sample("dead_letters", stats.deadLetters),
    sample("open_attempts", stats.openAttempts),
  ];
}

function toAge(since: number | undefined, now: number): number {
  return since === undefined ? 0 : Math.max(0, now - since) / 1_000;
}
