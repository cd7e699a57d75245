import type { Meter } from "@opentelemetry/api";
import type { Clock } from "@stackyard/core";
import { chunk } from "@stackyard/core";

/** The definition of a metric. */
export interface MetricDefinition {
  /** `counter`: a total. `gauge`: a present value. `distribution`: single values, such as times. */
  readonly kind: "counter" | "gauge" | "distribution";
  readonly unit: "Count" | "Seconds";
  readonly help: string;
  /** Dimensions in addition to the yard. */
  readonly dimensions: readonly string[];
  /**
   * Sets of dimensions for CloudWatch, each with `yard` first. Each combination of values is a billed metric, so there
   * are fewer than elsewhere. Default: all dimensions.
   */
  readonly cloudWatch?: readonly (readonly string[])[];
}

const counter = define("counter", "Count");
const distribution = define("distribution", "Seconds");

/**
 * Every metric, by its name. Each system has its own spelling: `stalled_stacks` is `stackyard_stalled_stacks` at
 * `/metrics`, `stackyard.stalled_stacks` in OpenTelemetry, and `stalledStacks` in CloudWatch's namespace
 * `Stackyard`.
 */
export const METRICS = {
  stacks: gauge("Stacks by machine and state.", ["machine", "state"]),
  stacks_in_condition: gauge("Stacks by condition; a stack may have several, or none.", ["condition"]),
  stacks_needing_person: gauge("Stacks that need attention, by the first condition that is true.", ["condition"]),
  stalled_stacks: gauge("Stacks that cannot continue by themselves."),
  failed_stacks: gauge("Stacks with a failed task."),
  queued_events: gauge("Events that wait for the engine."),
  queued_tasks: gauge("Task messages that wait for a runner."),
  oldest_event_age_seconds: age("How long the event that waits longest for the engine has been waiting."),
  oldest_task_age_seconds: age("How long the task message that waits longest for a runner has been waiting."),
  parked_events: gauge("Parked events."),
  dead_letters: gauge("Dead-lettered events."),
  open_attempts: gauge("Attempts that have not ended."),
  events: counter("Decided events, by outcome.", ["outcome"]),
  refused_events: counter(
    "Events that were parked, refused or dead-lettered, by machine and code.",
    ["machine", "code"],
    [[], ["code"]],
  ),
  dead_lettered_events: counter("Events that were dead-lettered."),
  sent_tasks: counter("Task messages that decisions have made, by machine.", ["machine"]),
  task_failures: counter("Failed tasks, by machine and the failure's code.", ["machine", "code"], [[], ["machine"]]),
  stalls: counter("Stacks that stopped and cannot continue by themselves, by code.", ["code"], [[]]),
  state_duration_seconds: distribution("How long stacks were in a state, when they left it.", ["machine", "state"]),
  event_age_seconds: distribution("How old events were when they were decided first: the age of the queue."),
  task_wait_seconds: distribution("How long tasks waited for a runner and for exclusive keys before their first step."),
  step_duration_seconds: distribution("How long an executor's calls took.", ["executor", "operation"], [["executor"]]),
  step_failures: counter(
    "Steps that ended in a failure, by executor and code.",
    ["executor", "code"],
    [[], ["executor"]],
  ),
} as const satisfies Readonly<Record<string, MetricDefinition>>;

/** The name of a metric. */
export type MetricName = keyof typeof METRICS;

/** The dimensions of a value. */
export type Dimensions = Readonly<Record<string, string>>;

/** Returns the name in CloudWatch. */
export function toCloudWatchName(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Returns the name in OpenTelemetry, which becomes `stackyard_…` in Prometheus. */
export function toOpenTelemetryName(name: string): string {
  return `stackyard.${name}`;
}

function gauge(help: string, dimensions: readonly string[] = []): MetricDefinition {
  return { kind: "gauge", unit: "Count", help, dimensions };
}

function age(help: string): MetricDefinition {
  return { kind: "gauge", unit: "Seconds", help, dimensions: [] };
}

/** Returns the definition of metrics of one kind, with dimensions and their sets for CloudWatch. */
function define(kind: "counter" | "distribution", unit: MetricDefinition["unit"]) {
  return (
    help: string,
    dimensions: readonly string[] = [],
    cloudWatch: MetricDefinition["cloudWatch"] = [dimensions],
  ): MetricDefinition => ({ kind, unit, help, dimensions, cloudWatch });
}

/** Records a value: adds to a counter, sets a gauge, or adds a value to a distribution. */
export type Count = (metric: MetricName, value: number, dimensions?: Dimensions) => void;

/** Values of one metric under the same dimensions. */
export interface Sample {
  readonly name: MetricName;
  readonly dimensions: Dimensions;
  /** The sum of a counter, the last value of a gauge, each value of a distribution. */
  readonly values: readonly number[];
}

interface Entry extends Sample {
  readonly values: number[];
}

/** Creates an empty buffer, which collects values until they are taken. */
export function createMetricBuffer() {
  let entries = new Map<string, Entry>();
  let count = 0;
  return {
    add(name: MetricName, value: number, dimensions: Dimensions): void {
      if (!Number.isFinite(value)) return;
      const key = JSON.stringify([name, ...Object.entries(dimensions).sort().flat()]);
      const entry = entries.get(key) ?? { name, dimensions, values: [] };
      entries.set(key, entry);
      const before = entry.values.length;
      addValue(entry, value);
      count += entry.values.length - before;
    },
    /** Returns the number of buffered values. */
    size: () => count,
    /** Returns and removes all samples, in the order of their first values. */
    take(): readonly Sample[] {
      const taken = [...entries.values()];
      entries = new Map();
      count = 0;
      return taken;
    },
  };
}

function addValue({ name, values }: Entry, value: number): void {
  const { kind } = METRICS[name];
  if (kind === "distribution") values.push(value);
  else values[0] = kind === "counter" ? (values[0] ?? 0) + value : value;
}

/** Fields besides the values. */
interface EmfInput extends Pick<EmfMetricsInput, "yard" | "service"> {
  /** Epoch milliseconds. */
  readonly now: number;
}

/** CloudWatch's namespace of all metrics. */
const NAMESPACE = "Stackyard";

/*
 * Limits of the embedded metric format, CloudWatch User Guide, "Specification: Embedded metric format": 100 metrics a
 * directive, 100 values of a metric, 30 dimensions a set; the line is a log event of at most 1 MB (256 KB until 2025).
 * Dimension values, CloudWatch API Reference, "Dimension": 1 to 1,024 ASCII characters without control characters.
 */
const MAX_METRICS = 100;
const MAX_VALUES = 100;
const MAX_DIMENSION_CHARACTERS = 1_024;

/** Formats samples as lines of the embedded metric format, from which CloudWatch Logs extracts metrics. */
export function toEmfLines(samples: readonly Sample[], input: EmfInput): readonly string[] {
  const documents = new Map<string, Line>();
  for (const part of samples.flatMap(toParts)) addPart(documents, part);
  return [...documents.values()].flatMap((line) => toLines(line, input));
}

/** The values of a metric in one line. */
interface Part {
  readonly name: string;
  readonly definition: MetricDefinition;
  readonly sets: readonly (readonly string[])[];
  readonly dimensions: Dimensions;
  readonly values: readonly number[];
}

interface Line {
  readonly sets: Part["sets"];
  readonly dimensions: Dimensions;
  readonly metrics: Map<string, Part>;
}

function toParts({ name, dimensions, values }: Sample): readonly Part[] {
  const definition: MetricDefinition = METRICS[name];
  const sets = definition.cloudWatch ?? [definition.dimensions];
  const used = new Set(sets.flat());
  const kept = Object.entries(dimensions).filter(([key]) => used.has(key));
  const own = Object.fromEntries(kept.map(([key, value]) => [key, toDimensionValue(value)]));
  return chunk(values, MAX_VALUES).map((part) => ({
    name: toCloudWatchName(name),
    definition,
    sets: sets.filter((set) => set.every((key) => Object.hasOwn(own, key))),
    dimensions: own,
    values: part,
  }));
}

/**
 * Adds a part. Parts with the same dimensions share a line; a line has a metric once, so its second part starts another
 * line.
 */
function addPart(lines: Map<string, Line>, part: Part): void {
  const base = JSON.stringify([part.sets, Object.entries(part.dimensions).sort()]);
  for (let number = 0; ; number += 1) {
    const key = `${base}${number}`;
    const line = lines.get(key) ?? { sets: part.sets, dimensions: part.dimensions, metrics: new Map() };
    if (line.metrics.has(part.name) || line.metrics.size >= MAX_METRICS) continue;
    line.metrics.set(part.name, part);
    lines.set(key, line);
    return;
  }
}

function toLines({ sets, dimensions, metrics }: Line, { yard, service, now }: EmfInput): readonly string[] {
  if (sets.length === 0) return [];
  const parts = [...metrics.values()];
  const values = parts.map(({ name, values }) => [name, values.length === 1 ? values[0] : values] as const);
  const directive = {
    Namespace: NAMESPACE,
    Dimensions: sets.map((set) => ["yard", ...set]),
    Metrics: parts.map(({ name, definition }) => ({ Name: name, Unit: definition.unit })),
  };
  const document = {
    _aws: { Timestamp: now, CloudWatchMetrics: [directive] },
    service,
    yard: toDimensionValue(yard),
    ...dimensions,
    ...Object.fromEntries(values),
  };
  return [`${JSON.stringify(document)}\n`];
}

function toDimensionValue(text: string): string {
  const plain = text.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, MAX_DIMENSION_CHARACTERS);
  return plain.trim() === "" ? "-" : plain;
}

/** The input of metrics in the embedded metric format. */
interface EmfMetricsInput {
  /** The dimension `yard`. */
  readonly yard: string;
  readonly service: string;
  readonly clock: Clock;
  /** Takes one line with its end. */
  readonly write: (line: string) => void;
}

/** Metrics as lines of the log. */
interface EmfMetrics {
  readonly count: Count;
  /** Writes what waits. */
  flush(): void;
}

/** A container has no end of an invocation; buffered data there is written at this age, or size. */
const WRITE_AFTER_MS = 60_000;
const MOST_WAITING = 5_000;

/** Gathers what one invocation measures into few lines. */
export function createEmfMetrics({ yard, service, clock, write }: EmfMetricsInput): EmfMetrics {
  const buffer = createMetricBuffer();
  let waiting: AbortController | undefined;
  function flush(): void {
    waiting?.abort();
    waiting = undefined;
    for (const line of toEmfLines(buffer.take(), { yard, service, now: clock.now() })) write(line);
  }
  /** Flushes later, unless an invocation has flushed at its end. */
  async function flushLater(own: AbortController): Promise<void> {
    await clock.sleep(WRITE_AFTER_MS, own.signal);
    if (waiting === own) flush();
  }
  return {
    flush,
    count(name, value, dimensions = {}) {
      if (buffer.size() >= MOST_WAITING) flush();
      buffer.add(name, value, dimensions);
      if (waiting !== undefined) return;
      waiting = new AbortController();
      void flushLater(waiting);
    },
  };
}

type RecordValue = (value: number, attributes: Readonly<{ [name: string]: string }>) => void;

/** Measures with OpenTelemetry; every value has the yard as attribute. */
export function createOtelMetrics(meter: Meter, yard: string): Count {
  const instruments = new Map<MetricName, RecordValue>();
  return (name, value, dimensions = {}) => {
    const record = instruments.get(name) ?? createInstrument(meter, name);
    instruments.set(name, record);
    record(value, { yard, ...dimensions });
  };
}

/** The upper bounds of histograms: time in states and of tasks goes from milliseconds to days. */
export const BOUNDARIES = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400, 604_800];

function createInstrument(meter: Meter, name: MetricName): RecordValue {
  const { kind, help, unit }: MetricDefinition = METRICS[name];
  const options = { description: help, unit: unit === "Seconds" ? "s" : "1" };
  const fullName = toOpenTelemetryName(name);
  switch (kind) {
    case "counter": {
      const counter = meter.createCounter(fullName, options);
      return (value, attributes) => counter.add(value, attributes);
    }
    case "gauge": {
      const gauge = meter.createGauge(fullName, options);
      return (value, attributes) => gauge.record(value, attributes);
    }
    case "distribution": {
      const advice = { explicitBucketBoundaries: BOUNDARIES };
      const histogram = meter.createHistogram(fullName, { ...options, advice });
      return (value, attributes) => histogram.record(value, attributes);
    }
  }
}
