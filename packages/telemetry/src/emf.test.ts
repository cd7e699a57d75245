import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toEmfLines } from "./emf.ts";
import type { Sample } from "./metric-buffer.ts";
import { METRICS, type MetricName } from "./metrics.ts";

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
