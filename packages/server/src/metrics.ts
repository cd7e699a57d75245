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

/** Creates a gauge of these samples, or of one without labels. */
export function toGauge(name: string, help: string, value: number | readonly Sample[]): Metric {
  return { name, help, type: "gauge", samples: typeof value === "number" ? [{ value }] : value };
}

/** Converts the store's counts to metrics. */
export function toYardMetrics(stats: StoreStats, version: string): readonly Metric[] {
  const states = stats.states.map(({ machine, state, count }) => ({ labels: { machine, state }, value: count }));
  return [
    toGauge("stackyard_info", "The version.", [{ labels: { version }, value: 1 }]),
    toGauge("stackyard_stacks", "Stacks by machine and state.", states),
    toGauge("stackyard_queued_events", "Events that wait for the engine.", stats.queuedEvents),
    toGauge("stackyard_queued_tasks", "Task messages that wait for a runner.", stats.queuedTasks),
    toGauge("stackyard_parked_events", "Parked events.", stats.parkedEvents),
    toGauge("stackyard_dead_letters", "Dead-lettered events.", stats.deadLetters),
    toGauge("stackyard_open_attempts", "Attempts that have not ended.", stats.openAttempts),
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
  const all = processes.flatMap(({ roles, version }) => roles.map((role) => ({ role, version })));
  const groups = Map.groupBy(all, ({ role, version }) => JSON.stringify([role, version]));
  const live = [...groups.values()].flatMap(([labels, ...others]) => {
    return labels === undefined ? [] : [{ labels, value: others.length + 1 }];
  });
  const sum = (pick: (each: Counted) => number) => processes.reduce((all, each) => all + pick(each), 0);
  const capacity = sum((each) => each.capacity);
  const running = sum((each) => each.running);
  return [
    toGauge("stackyard_processes", "Live processes by role and version.", live),
    toGauge("stackyard_worker_capacity", "Tasks that all workers can run at the same time.", capacity),
    toGauge("stackyard_worker_running", "Running tasks, as last reported by the workers.", running),
  ];
}
