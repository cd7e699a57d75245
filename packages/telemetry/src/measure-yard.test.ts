import { aStack, createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it, vi } from "vitest";
import { createMeasureYard, type MeasuredStore } from "./measure-yard.ts";

const stats = { stacks: 3, queuedEvents: 1, queuedTasks: 2, parkedEvents: 3, setAsideEvents: 4, openAttempts: 5 };

function createBench() {
  const clock = createFakeClock();
  const measured: string[] = [];
  const measure = createMeasureYard({
    clock,
    count: (name, value, dimensions = {}) => void measured.push([name, value, ...Object.values(dimensions)].join(" ")),
  });
  const states = [{ machine: "app", state: "LIVE", count: 2 }];
  const queries: MeasuredStore["queries"] = {
    stats: async () => ({ ...stats, states }),
    listStacks: async ({ condition }) => ({ items: condition === "stalled" ? [{ version: 1, stack: aStack() }] : [] }),
  };
  return { clock, measured, measure: () => measure({ queries }), queries, states };
}

describe("measuring a yard", () => {
  it("tells how many stacks are in which state, are stalled or have failed, and what waits", async () => {
    const { measure, measured } = createBench();

    await measure();

    expect(measured).toEqual([
      ...["stacks 2 app LIVE", "stalled_stacks 1", "failed_stacks 0", "queued_events 1", "queued_tasks 2"],
      ...["parked_events 3", "set_aside_events 4", "open_attempts 5"],
    ]);
  });

  it("looks no oftener than every five minutes, because a look may read a whole table", async () => {
    const { measure, measured, clock } = createBench();
    await measure();
    const once = measured.length;

    await clock.advance(240_000);
    await measure();
    const before = measured.length;
    await clock.advance(60_000);
    await measure();

    expect([before, measured.length]).toEqual([once, 2 * once]);
  });

  it("looks again where a look has failed", async () => {
    const { measure, measured, queries } = createBench();
    const spy = vi.spyOn(queries, "stats").mockRejectedValueOnce(new TypeError("no"));
    await measure().catch(() => undefined);
    spy.mockRestore();

    expect([await measure(), measured.length > 0]).toEqual([true, true]);
  });

  it("tells once that a state has no stacks any more", async () => {
    const { measure, measured, clock, states } = createBench();
    await measure();
    states.length = 0;

    for (let time = 0; time < 2; time += 1) {
      await clock.advance(300_000);
      await measure();
    }

    expect(measured.filter((line) => line.startsWith("stacks"))).toEqual(["stacks 2 app LIVE", "stacks 0 app LIVE"]);
  });
});
