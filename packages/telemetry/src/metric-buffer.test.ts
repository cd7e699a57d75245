import { describe, expect, it } from "vitest";
import { createMetricBuffer } from "./metric-buffer.ts";

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

  it("knows the same dimensions in another order, and tells others apart", () => {
    const buffer = createMetricBuffer();

    buffer.add("task_failures", 1, { machine: "app", code: "A" });
    buffer.add("task_failures", 1, { code: "A", machine: "app" });
    buffer.add("task_failures", 1, { machine: "A", code: "app" });

    expect(buffer.take().map(({ values }) => values)).toEqual([[2], [1]]);
  });

  it("is empty after it was taken, and takes no number that is none", () => {
    const buffer = createMetricBuffer();
    buffer.add("stalls", 1, {});
    buffer.take();

    buffer.add("stalls", Number.NaN, {});
    buffer.add("stalls", Number.POSITIVE_INFINITY, {});

    expect([buffer.size(), buffer.take()]).toEqual([0, []]);
  });
});
