/** What is measured, and how it is told. */
export interface MetricDefinition {
  /** `counter`: how often. `gauge`: how it stands. `distribution`: single values, such as times. */
  readonly kind: "counter" | "gauge" | "distribution";
  readonly unit: "Count" | "Seconds";
  readonly help: string;
  /** What tells its values apart, besides the yard. */
  readonly dimensions: readonly string[];
  /**
   * Sets of dimensions under which CloudWatch keeps it, each with `yard` before them. Each combination of values is a metric
   * that is paid for, so there are fewer than elsewhere. Default: all dimensions.
   */
  readonly cloudWatch?: readonly (readonly string[])[];
}

/**
 * Every metric, by its name. Each medium spells it in its own way: `stalled_stacks` is `stackyard_stalled_stacks` at the server's
 * `/metrics`, `stackyard.stalled_stacks` in OpenTelemetry, and `stalledStacks` in CloudWatch's namespace `Stackyard`.
 */
export const METRICS = {
  stacks: gauge("Stacks by machine and state.", ["machine", "state"]),
  stalled_stacks: gauge("Stacks that cannot go on by themselves."),
  failed_stacks: gauge("Stacks with a failed task."),
  queued_events: gauge("Events that wait for the engine."),
  queued_tasks: gauge("Task messages that wait for a runner."),
  parked_events: gauge("Parked events."),
  set_aside_events: gauge("Dead-lettered events."),
  open_attempts: gauge("Attempts that have not ended."),
  events: counter("Decided events, by what became of them.", ["outcome"]),
  refused_events: counter(
    "Events that were parked, refused or set aside, by machine and code.",
    ["machine", "code"],
    [[], ["code"]],
  ),
  sent_tasks: counter("Task messages that decisions have made, by machine.", ["machine"]),
  task_failures: counter("Failed tasks, by machine and the failure's code.", ["machine", "code"], [[], ["machine"]]),
  stalls: counter("Stacks that stopped and cannot go on by themselves, by code.", ["code"], [[]]),
  state_duration_seconds: distribution("How long stacks were in a state, when they left it.", ["machine", "state"]),
  event_age_seconds: distribution("How old events were when they were decided first: the age of the queue."),
  step_duration_seconds: distribution("How long an executor's calls took.", ["executor", "operation"], [["executor"]]),
  step_failures: counter(
    "Steps that ended in a failure, by executor and code.",
    ["executor", "code"],
    [[], ["executor"]],
  ),
} as const satisfies Readonly<Record<string, MetricDefinition>>;

/** The name of a metric. */
export type MetricName = keyof typeof METRICS;

/** What tells a value of a metric apart. */
export type Dimensions = Readonly<Record<string, string>>;

/** The name in CloudWatch. */
export function toCloudWatchName(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** The name in OpenTelemetry. Its way to Prometheus makes `stackyard_…` of it. */
export function toOpenTelemetryName(name: string): string {
  return `stackyard.${name}`;
}

function gauge(help: string, dimensions: readonly string[] = []): MetricDefinition {
  return { kind: "gauge", unit: "Count", help, dimensions };
}

function counter(
  help: string,
  dimensions: readonly string[] = [],
  cloudWatch: MetricDefinition["cloudWatch"] = [dimensions],
): MetricDefinition {
  return { kind: "counter", unit: "Count", help, dimensions, cloudWatch };
}

function distribution(
  help: string,
  dimensions: readonly string[] = [],
  cloudWatch: MetricDefinition["cloudWatch"] = [dimensions],
): MetricDefinition {
  return { kind: "distribution", unit: "Seconds", help, dimensions, cloudWatch };
}
