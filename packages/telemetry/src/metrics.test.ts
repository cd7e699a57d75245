import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { createFakeClock } from "@stackyard/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  createEmfMetrics,
  createMetricBuffer,
  createOtelMetrics,
  METRICS,
  type MetricDefinition,
  type MetricName,
  type Sample,
  toCloudWatchName,
  toEmfLines,
  toOpenTelemetryName,
} from "./metrics.ts";

const metrics: [string, MetricDefinition][] = Object.entries(METRICS);

describe("the table of metrics", () => {
  it("spells a name as each medium does", () => {
    expect(toCloudWatchName("stalled_stacks")).toBe("stalledStacks");
    expect(toOpenTelemetryName("stalled_stacks")).toBe("stackyard.stalled_stacks");
  });

  it.each(metrics)("keeps %s apart from every other in CloudWatch, and from its dimensions", (name) => {
    const taken = [...metrics.map(([other]) => toCloudWatchName(other)), "yard", "service", "_aws"];
    const dimensions = metrics.flatMap(([, { dimensions }]) => dimensions);

    expect(taken.filter((other) => other === toCloudWatchName(name))).toHaveLength(1);
    expect(dimensions).not.toContain(toCloudWatchName(name));
  });

  it.each(metrics)("keeps %s in CloudWatch under its own dimensions only", (_, { dimensions, cloudWatch = [] }) => {
    expect(cloudWatch.flat().filter((name) => !dimensions.includes(name))).toEqual([]);
  });

  it.each(metrics)("writes %s to CloudWatch only when it is not a gauge", (_, definition) => {
    // A gauge without its dimensions would be the value of whatever was written last.
    expect(definition.kind === "gauge" && definition.cloudWatch !== undefined).toBe(false);
  });
});

describe("the buffer", () => {
  it("adds counters up, keeps the last value of a gauge, and every value of a distribution", () => {
    const buffer = createMetricBuffer();

    for (const value of [1, 2]) {
      buffer.add("events", value, { outcome: "applied" });
      buffer.add("stalled_stacks", value, {});
      buffer.add("event_age_seconds", value, {});
    }

    expect(buffer.size()).toBe(4);
    expect(buffer.take()).toEqual([
      { name: "events", dimensions: { outcome: "applied" }, values: [3] },
      { name: "stalled_stacks", dimensions: {}, values: [2] },
      { name: "event_age_seconds", dimensions: {}, values: [1, 2] },
    ]);
  });

  it("matches the same dimensions in another order, and distinguishes others", () => {
    const buffer = createMetricBuffer();

    buffer.add("task_failures", 1, { machine: "app", code: "A" });
    buffer.add("task_failures", 1, { code: "A", machine: "app" });
    buffer.add("task_failures", 1, { machine: "A", code: "app" });

    expect(buffer.take().map(({ values }) => values)).toEqual([[2], [1]]);
  });

  it("is empty after it was drained, and ignores values that are not finite", () => {
    const buffer = createMetricBuffer();
    buffer.add("stalls", 1, {});
    buffer.take();

    buffer.add("stalls", Number.NaN, {});
    buffer.add("stalls", Number.POSITIVE_INFINITY, {});

    expect([buffer.size(), buffer.take()]).toEqual([0, []]);
  });
});

const input = { yard: "main", service: "state-manager", now: 1_767_225_600_000 };
const write = (...samples: readonly Sample[]) => toEmfLines(samples, input).map((line) => JSON.parse(line));

/** What CloudWatch would not take of a line. */
function findFaults(line: Readonly<Record<string, unknown>>): readonly string[] {
  const { Dimensions, Metrics } = Object(line["_aws"]).CloudWatchMetrics[0];
  const [sets, names]: [string[][], string[]] = [Dimensions, Metrics.map(({ Name }: { Name: string }) => Name)];
  return [
    ...(names.length === 0 || names.length > 100 ? [`${names.length} metrics`] : []),
    ...names.filter((name) => [line[name]].flat().length > 100),
    ...sets.filter((set) => set.length > 30).map(String),
    ...sets.flat().filter((name) => !/^[\x20-\x7e]{1,1024}$/.test(String(line[name]))),
  ];
}

describe("the embedded metric format", () => {
  it("writes values under the namespace and the yard", () => {
    expect(write({ name: "stalled_stacks", dimensions: {}, values: [2] })).toEqual([
      {
        _aws: {
          Timestamp: 1_767_225_600_000,
          CloudWatchMetrics: [
            { Namespace: "Stackyard", Dimensions: [["yard"]], Metrics: [{ Name: "stalledStacks", Unit: "Count" }] },
          ],
        },
        service: "state-manager",
        yard: "main",
        stalledStacks: 2,
      },
    ]);
  });

  it("puts what has the same dimensions into one line, and ends each line", () => {
    const samples = [
      { name: "stalled_stacks", dimensions: {}, values: [0] },
      { name: "failed_stacks", dimensions: {}, values: [1] },
      { name: "stacks", dimensions: { machine: "app", state: "LIVE" }, values: [7] },
    ] as const;

    const lines = toEmfLines(samples, input);

    expect(lines.map((line) => line.endsWith("}\n") && line.indexOf("\n") === line.length - 1)).toEqual([true, true]);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { stalledStacks: 0, failedStacks: 1 },
      {
        machine: "app",
        state: "LIVE",
        stacks: 7,
        _aws: { CloudWatchMetrics: [{ Dimensions: [["yard", "machine", "state"]] }] },
      },
    ]);
  });

  it("keeps only the dimensions that CloudWatch is to know", () => {
    const samples = [
      { name: "task_failures", dimensions: { machine: "app", code: "A" }, values: [1] },
      { name: "task_failures", dimensions: { machine: "app", code: "B" }, values: [2] },
    ] as const;

    const lines = write(...samples);

    expect(lines).toMatchObject([
      { taskFailures: 1, _aws: { CloudWatchMetrics: [{ Dimensions: [["yard"], ["yard", "machine"]] }] } },
      { taskFailures: 2 },
    ]);
    expect(lines.filter((line) => "code" in line)).toEqual([]);
  });

  it("writes at most a hundred values of a metric in a line", () => {
    const values = Array.from({ length: 201 }, (_, index) => index);

    const lines = write({ name: "event_age_seconds", dimensions: {}, values });

    expect(
      lines.map(({ eventAgeSeconds }) => (Array.isArray(eventAgeSeconds) ? eventAgeSeconds.length : eventAgeSeconds)),
    ).toEqual([100, 100, 200]);
  });

  it("makes values of dimensions that CloudWatch takes", () => {
    const lines = write(
      { name: "stacks", dimensions: { machine: "bücher\n", state: "" }, values: [1] },
      { name: "stacks", dimensions: { machine: "a".repeat(2_000), state: " " }, values: [1] },
    );

    expect(lines).toMatchObject([
      { machine: "b?cher?", state: "-" },
      { machine: "a".repeat(1_024), state: "-" },
    ]);
  });

  it("stays within the limits, whatever is measured", () => {
    const names = Object.keys(METRICS) as MetricName[];
    const sample = fc.record({
      name: fc.constantFrom(...names),
      dimensions: fc.dictionary(
        fc.constantFrom("machine", "state", "code", "executor", "operation", "outcome"),
        fc.string(),
      ),
      values: fc.array(fc.integer(), { minLength: 1, maxLength: 250 }),
    });

    fc.assert(
      fc.property(fc.array(sample, { maxLength: 20 }), (samples) => {
        for (const line of write(...samples)) expect(findFaults(line)).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });
});

function createBench() {
  const clock = createFakeClock();
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  return { clock, lines, ...createEmfMetrics({ yard: "main", service: "task-runner", clock, write }) };
}

describe("metrics in the log", () => {
  it("are written when they are flushed, once", () => {
    const { lines, count, flush } = createBench();

    count("stalls", 1, { code: "LOOP_LIMIT" });
    count("stalls", 1, { code: "LOOP_LIMIT" });
    const before = lines.length;
    flush();
    flush();

    expect([before, lines.map((line) => JSON.parse(line).stalls)]).toEqual([0, [2]]);
  });

  it("are written after a minute without a flush, as in a container", async () => {
    const { lines, count, clock } = createBench();

    count("stalls", 1);
    await clock.advance(59_999);
    const before = lines.length;
    await clock.advance(1);
    count("stalls", 5);

    expect([before, ...lines.map((line) => JSON.parse(line).stalls)]).toEqual([0, 1]);
  });

  it("wait for nothing after they were flushed, so that a process can end", () => {
    const { count, flush, clock } = createBench();

    count("stalls", 1);
    flush();

    expect(clock.nextWakeAt()).toBeUndefined();
  });

  it("are written before they are too many", () => {
    const { lines, count } = createBench();

    for (let value = 0; value <= 5_000; value += 1) count("event_age_seconds", value);

    expect(lines).toHaveLength(50);
  });
});

it("measures with OpenTelemetry under the same names, by yard", async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const provider = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter })] });
  const count = createOtelMetrics(provider.getMeter("test"), "main");

  count("events", 1, { outcome: "applied" });
  count("events", 2, { outcome: "applied" });
  count("stalled_stacks", 3);
  count("stalled_stacks", 1);
  count("event_age_seconds", 0.2);
  await provider.forceFlush();

  const metrics = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics: all }) => all));
  const told = metrics.map(({ descriptor, dataPoints }) => {
    const [{ attributes, value } = { attributes: {}, value: 0 }] = dataPoints;
    return [descriptor.name, descriptor.unit, attributes, typeof value === "number" ? value : value.sum];
  });
  expect(told).toEqual([
    ["stackyard.events", "1", { yard: "main", outcome: "applied" }, 3],
    ["stackyard.stalled_stacks", "1", { yard: "main" }, 1],
    ["stackyard.event_age_seconds", "s", { yard: "main" }, 0.2],
  ]);
  await provider.shutdown();
});
