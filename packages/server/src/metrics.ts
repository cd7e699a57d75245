import type { StoreStats } from "@stackyard/core";

/** One sample: labels and value. */
interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric in Prometheus' text format 0.0.4. */
export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly samples: readonly (Sample & { readonly suffix?: string })[];
}

/** Formats metrics as exposition text. The format is too simple for a library. */
export function toExposition(metrics: readonly Metric[]): string {
  return metrics.map(toLines).join("");
}

function toLines({ name, help, type, samples }: Metric): string {
  const lines = samples.map(({ suffix = "", labels = {}, value }) => `${name}${suffix}${toLabels(labels)} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function toLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

/** Converts the store's counts to metrics. */
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
    gauge("stackyard_parked_events", "Parked events.", stats.parkedEvents),
    gauge("stackyard_dead_letters", "Dead-lettered events.", stats.deadLetters),
    gauge("stackyard_open_attempts", "Attempts that have not ended.", stats.openAttempts),
  ];
}

interface Counted {
  readonly roles: readonly string[];
  readonly version: string;
  readonly capacity: number;
  readonly running: number;
}

/** Counts the live processes by role and version, and the used and total capacity of workers. */
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
      name: "stackyard_worker_capacity",
      help: "Tasks that all workers can run at the same time.",
      type: "gauge",
      samples: sum(({ capacity }) => capacity),
    },
    {
      name: "stackyard_worker_running",
      help: "Running tasks, as last reported by the workers.",
      type: "gauge",
      samples: sum(({ running }) => running),
    },
  ];
}
