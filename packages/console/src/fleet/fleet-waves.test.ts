import type { FleetInstanceReport } from "@stackyard/executor-runcommand/report";
import { describe, expect, it } from "vitest";
import { findWave, toWaveRows, toWaveSteps, toWaves } from "./fleet-waves.ts";

function anInstance(number: number, commandId: string, more: Partial<FleetInstanceReport> = {}): FleetInstanceReport {
  return {
    instanceId: `i-${number}`,
    state: "succeeded",
    roles: [],
    commandId,
    startedAt: 0,
    endedAt: 60_000,
    ...more,
  };
}

const second = anInstance(3, "c-2", { startedAt: 90_000, endedAt: 100_000 });
const first = [
  anInstance(1, "c-1"),
  anInstance(2, "c-1", { state: "failed", code: "COMMAND_FAILED", startedAt: 5_000, endedAt: 70_000 }),
];

describe("toWaves", () => {
  it("returns the commands in order of their start, from the first start to the last end", () => {
    const unsent: FleetInstanceReport = { instanceId: "i-9", state: "not-sent", roles: [] };

    const waves = toWaves([second, unsent, ...first]);

    expect(waves.map(({ numbers, from, to, instances }) => [numbers, from, to, instances.length])).toEqual([
      [[1, 1], 0, 70_000, 2],
      [[2, 2], 90_000, 100_000, 1],
    ]);
  });

  it("has no end while an instance of it runs", () => {
    const { endedAt: _, ...running } = anInstance(4, "c-1", { state: "running" });

    expect(toWaves([...first, running])[0]).not.toHaveProperty("to");
  });

  it("shows neighbors together where more do not fit", () => {
    const instances = Array.from({ length: 200 }, (_, index) => anInstance(index, `c-${index}`, { startedAt: index }));

    const waves = toWaves(instances);

    expect(waves.length).toBeLessThanOrEqual(24);
    expect(waves.flatMap((wave) => wave.instances)).toHaveLength(200);
    expect([waves[0]?.numbers, waves.at(-1)?.numbers]).toEqual([
      [1, 9],
      [199, 200],
    ]);
  });

  it("is empty before anything was sent", () => {
    expect(toWaves([])).toEqual([]);
  });
});

describe("toWaveSteps", () => {
  it("shows the worst of a wave, how many of each, and what is still to be sent", () => {
    const steps = toWaveSteps("run-1", toWaves([...first, second]), { waiting: 40, chosen: "2-2", now: 0 });

    expect(steps.map(({ name, status, note, chosen }) => [name, status, note, chosen])).toEqual([
      ["Wave 1", "failed", "1 failed, 1 succeeded, 1m 10s", false],
      ["Wave 2", "succeeded", "1 succeeded, 10s", true],
      ["To be sent", "waiting", "40 instances", undefined],
    ]);
  });
});

describe("toWaveRows", () => {
  it("leads from a wave to its instances", () => {
    const waves = toWaves([...first, second]);

    const [row] = toWaveRows("run-1", waves);

    const link = { path: "/fleet", search: { id: "run-1", wave: "1-1" }, word: "its instances" };
    expect(row?.bars).toEqual([{ key: "1-1", text: "2", name: "Wave 1", from: 0, to: 70_000, status: "failed", link }]);
    expect(findWave(waves, "1-1")?.commandIds).toEqual(["c-1"]);
    expect(findWave(waves, "9-9")).toBeUndefined();
  });
});
