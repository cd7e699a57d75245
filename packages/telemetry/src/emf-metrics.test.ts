import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createEmfMetrics } from "./emf-metrics.ts";

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

  it("are written after a minute where nobody flushes, as in a container", async () => {
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
