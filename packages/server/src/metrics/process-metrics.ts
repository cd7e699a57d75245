import type { Metric } from "./metrics.ts";

interface Counted {
  readonly roles: readonly string[];
  readonly version: string;
  readonly capacity: number;
  readonly running: number;
}

/** How many live in which version, and how much of what workers can do they do. */
export function toProcessMetrics(processes: readonly Counted[]): readonly Metric[] {
  const counts = new Map<string, { readonly role: string; readonly version: string; count: number }>();
  for (const { roles, version } of processes) {
    for (const role of roles) {
      const key = JSON.stringify([role, version]);
      const known = counts.get(key) ?? { role, version, count: 0 };
      counts.set(key, { ...known, count: known.count + 1 });
    }
  }
  const live = [...counts.values()].map(({ role, version, count }) => ({ labels: { role, version }, value: count }));
  const sum = (pick: (each: Counted) => number) => [{ value: processes.reduce((all, each) => all + pick(each), 0) }];
  return [
    { name: "stackyard_processes", help: "Live processes by role and version.", type: "gauge", samples: live },
    {
      ...{ name: "stackyard_worker_capacity", help: "Tasks that all workers run at the same time.", type: "gauge" },
      samples: sum(({ capacity }) => capacity),
    },
    {
      ...{ name: "stackyard_worker_running", help: "Tasks that run, as the workers last told.", type: "gauge" },
      samples: sum(({ running }) => running),
    },
  ];
}
