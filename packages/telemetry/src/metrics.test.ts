import { describe, expect, it } from "vitest";
import { METRICS, type MetricDefinition, toCloudWatchName, toOpenTelemetryName } from "./metrics.ts";

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

  it.each(metrics)("says of %s how it stands in one number only where the number is of one thing", (_, definition) => {
    // A gauge without its dimensions would be the value of whatever was written last.
    expect(definition.kind === "gauge" && definition.cloudWatch !== undefined).toBe(false);
  });
});
