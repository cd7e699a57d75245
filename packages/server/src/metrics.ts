import { type Metric, toMetric } from "@stackyard/telemetry";

interface Counted {
  readonly roles: readonly string[];
  readonly version: string;
  readonly capacity: number;
  readonly running: number;
}

/** Counts the live processes by role and version, and the used and total capacity of workers. */
export function toProcessMetrics(processes: readonly Counted[]): readonly Metric[] {
  const all = processes.flatMap(({ roles, version }) => roles.map((role) => ({ role, version })));
  const groups = Map.groupBy(all, ({ role, version }) => JSON.stringify([role, version]));
  const live = [...groups.values()].flatMap(([labels, ...others]) => {
    return labels === undefined ? [] : [{ labels, value: others.length + 1 }];
  });
  const sum = (pick: (each: Counted) => number) => processes.reduce((all, each) => all + pick(each), 0);
  return [
    toMetric("stackyard_processes", live),
    toMetric(
      "stackyard_worker_capacity",
      sum((each) => each.capacity),
    ),
    toMetric(
      "stackyard_worker_running",
      sum((each) => each.running),
    ),
  ];
}
