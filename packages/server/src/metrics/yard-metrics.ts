import type { Store } from "@stackyard/core";
import type { Metric } from "./metrics.ts";

type StoreStats = Awaited<ReturnType<Store["queries"]["stats"]>>;

/** The store's counts as metrics. */
export function toYardMetrics(stats: StoreStats, version: string): readonly Metric[] {
  const gauge = (name: string, help: string, value: number): Metric => ({
    name,
    help,
    type: "gauge",
    samples: [{ value }],
  });
  const states = stats.states.map(({ machine, state, count }) => ({ labels: { machine, state }, value: count }));
  return [
    { name: "stackyard_info", help: "The version.", type: "gauge", samples: [{ labels: { version }, value: 1 }] },
    { name: "stackyard_stacks", help: "Stacks by machine and state.", type: "gauge", samples: states },
    gauge("stackyard_queued_events", "Events that wait for the engine.", stats.queuedEvents),
    gauge("stackyard_queued_tasks", "Task messages that wait for a runner.", stats.queuedTasks),
    gauge("stackyard_parked_events", "Events that their stacks refuse for the present.", stats.parkedEvents),
    gauge("stackyard_set_aside_events", "Events that were given up.", stats.setAsideEvents),
    gauge("stackyard_open_attempts", "Attempts that have not ended.", stats.openAttempts),
  ];
}
