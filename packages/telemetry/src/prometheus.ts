import { createHistogram, type ExposedDefinition, type Histogram, type Metric } from "./exposition.ts";
import { BOUNDARIES, type Count, type Dimensions, METRICS, type MetricDefinition, type MetricName } from "./metrics.ts";
import { type GaugeSample, loadYardSamples, type MeasuredStore } from "./yard-samples.ts";

/** Metrics that exist at `/metrics` only, by their full names. The first four are those of the whole yard. */
export const PROMETHEUS_METRICS = {
  stackyard_info: gauge("The version."),
  stackyard_processes: gauge("Live processes by role and version."),
  stackyard_worker_capacity: gauge("Tasks that all workers can run at the same time."),
  stackyard_worker_running: gauge("Running tasks, as last reported by the workers."),
  stackyard_http_request_duration_seconds: { type: "histogram", help: "Time to the head of the answer." },
  stackyard_http_streams: gauge("Open event streams."),
  process_cpu_seconds_total: { type: "counter", help: "CPU time of the process, user and system." },
  process_resident_memory_bytes: gauge("Resident memory of the process."),
  process_start_time_seconds: gauge("When the process started, in seconds since 1970."),
  process_open_fds: gauge("Open file descriptors of the process. Linux only."),
  nodejs_heap_size_used_bytes: gauge("Used memory of the JavaScript heap."),
  nodejs_eventloop_lag_p99_seconds: gauge("Delay of the event loop since the last scrape, 99th percentile."),
  nodejs_version_info: gauge("The version of Node.js."),
} as const satisfies Readonly<Record<string, ExposedDefinition>>;

function gauge(help: string): ExposedDefinition {
  return { type: "gauge", help };
}

/** Returns a metric of `PROMETHEUS_METRICS` with these samples, or with one without labels. */
export function toMetric(name: keyof typeof PROMETHEUS_METRICS, value: number | Metric["samples"]): Metric {
  const samples = typeof value === "number" ? [{ value }] : value;
  return { name, ...PROMETHEUS_METRICS[name], samples };
}

/** Returns the name of a metric of the table at `/metrics`: a counter ends in `_total`, as Prometheus requires. */
export function toPrometheusName(name: MetricName): string {
  return METRICS[name].kind === "counter" ? `stackyard_${name}_total` : `stackyard_${name}`;
}

/** Loads the gauges of a yard for `/metrics`. Reads all stacks. */
export async function loadYardMetrics(store: MeasuredStore, now: number): Promise<readonly Metric[]> {
  const samples = await loadYardSamples(store, now);
  const groups = Map.groupBy(samples, ({ name }) => name);
  return GAUGES.flatMap((name) => {
    const found = groups.get(name) ?? [];
    return [{ name: toPrometheusName(name), type: "gauge", help: METRICS[name].help, samples: found.map(toSample) }];
  });
}

function toSample({ value, dimensions }: GaugeSample) {
  return { value, labels: dimensions };
}

const NAMES = Object.keys(METRICS).filter((name): name is MetricName => Object.hasOwn(METRICS, name));
const GAUGES = NAMES.filter((name) => METRICS[name].kind === "gauge");
const BY_MACHINE = NAMES.filter((name) => {
  const { kind, dimensions }: MetricDefinition = METRICS[name];
  return kind === "counter" && dimensions.includes("machine");
});

/** Counters and histograms of one process, for `/metrics`. */
export interface PrometheusMetrics {
  readonly count: Count;
  /**
   * Lists all series. Counters by machine have each of these machines, with 0 and the code `none`, before it counts anything:
   * Prometheus sees a counter's increases only from the first value that it has read.
   */
  list(machines?: readonly string[]): readonly Metric[];
}

/**
 * Names of machines, states, executors and failure codes are those of users. A metric with more combinations of them
 * counts the others under `other`, so that no machine makes series without end.
 */
const MOST_SERIES = 500;

interface Series {
  readonly labels: Dimensions;
  readonly histogram: Histogram | undefined;
  value: number;
}

/**
 * Creates counters and histograms with the names of the table. Gauges are not kept: `loadYardMetrics` measures them when
 * they are read. A counter without labels starts with 0, so that its first increase is seen.
 */
export function createPrometheusMetrics({ mostSeries = MOST_SERIES } = {}): PrometheusMetrics {
  const all = new Map<MetricName, Map<string, Series>>();
  function find(name: MetricName, dimensions: Dimensions): Series {
    const series = all.get(name) ?? new Map<string, Series>();
    all.set(name, series);
    const labels = toLabels(name, dimensions, (value) => value);
    const found = series.get(JSON.stringify(labels));
    if (found !== undefined) return found;
    const isFull = series.size >= mostSeries;
    const kept = isFull ? toLabels(name, dimensions, () => "other") : labels;
    const known = series.get(JSON.stringify(kept));
    if (known !== undefined) return known;
    const histogram = METRICS[name].kind === "distribution" ? createHistogram(BOUNDARIES) : undefined;
    const added = { labels: kept, histogram, value: 0 };
    series.set(JSON.stringify(kept), added);
    return added;
  }
  for (const name of NAMES) if (METRICS[name].kind !== "gauge" && METRICS[name].dimensions.length === 0) find(name, {});
  return {
    count(name, value, dimensions = {}) {
      if (METRICS[name].kind === "gauge" || !Number.isFinite(value)) return;
      const series = find(name, dimensions);
      series.histogram?.observe(value);
      series.value += value;
    },
    list(machines = []) {
      // Later counts still find room.
      for (const machine of machines.slice(0, mostSeries / 2)) for (const name of BY_MACHINE) find(name, { machine });
      return [...all].map(([name, series]) => ({
        name: toPrometheusName(name),
        type: METRICS[name].kind === "counter" ? "counter" : "histogram",
        help: METRICS[name].help,
        samples: [...series.values()].flatMap(
          ({ labels, value, histogram }) => histogram?.toSamples(labels) ?? [{ labels, value }],
        ),
      }));
    },
  };
}

function toLabels(name: MetricName, dimensions: Dimensions, map: (value: string) => string): Dimensions {
  const definition: MetricDefinition = METRICS[name];
  return Object.fromEntries(definition.dimensions.map((label) => [label, map(dimensions[label] ?? "none")]));
}
