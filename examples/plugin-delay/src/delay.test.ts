import { readFileSync } from "node:fs";
import { parseMachine } from "@stackyard/core/machine";
import {
  commonWeathers,
  createFakeClock,
  createSimulator,
  runExecutor,
  type TaskBench,
  taskStory,
  weatherCases,
} from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { delay } from "./delay.ts";

describe("delay", () => {
  it("waits exactly as long as configured", async () => {
    const run = await runExecutor(delay, { seconds: 180 });

    expect(run.step).toEqual({ kind: "succeeded", outputs: { waitedMs: 180_000 } });
    expect(run.steps).toHaveLength(4);
  });

  it("ends at once when it is cancelled", async () => {
    const run = await runExecutor(delay, { seconds: 180 }, { cancelAfterMs: 70_000 });

    expect(run.step).toMatchObject({ kind: "failed", code: "DELAY_CANCELLED" });
    expect(run.elapsedMs).toBe(70_000);
  });

  it.each([{}, { seconds: 0 }, { seconds: "180" }, { seconds: 1, minutes: 1 }])(
    "refuses the config %j",
    async (config) => {
      expect((await runExecutor(delay, config)).step).toMatchObject({ kind: "failed", code: "CONFIG_INVALID" });
    },
  );
});

describe("the machine tea", () => {
  const source = readFileSync(new URL("../machines/tea.yml", import.meta.url), "utf8");
  const { machine, problems } = parseMachine(source, { name: "tea", executors: new Map([["delay", delay]]) });

  it.each([0, 0.1])(
    "brews for three minutes; share of the store's calls that kill the process: %d",
    async (crashRate) => {
      if (machine === undefined) throw new Error(JSON.stringify(problems));
      const yard = createSimulator({ machines: [{ machine, source }], executors: [delay], crashRate });
      await yard.publish({ stackId: "cup-1", machine: "tea", event: "BREW" });

      await yard.advance(179_000);
      expect(await yard.findStack("cup-1")).toMatchObject({ state: "BREWING" });

      await yard.advance(300_000);
      expect(await yard.findStack("cup-1")).toMatchObject({ state: "READY" });
    },
  );

  const story = taskStory({
    name: "tea",
    async create() {
      const clock = createFakeClock();
      const readyAt = clock.now() + 180_000;
      const judge: TaskBench["judge"] = async ({ endedAt }) => {
        const truth = endedAt >= readyAt ? "succeeded" : "unfinished";
        return { truth, begun: {}, ended: [], left: [], foreign: [], views: {} };
      };
      return { clock, executor: delay, config: { seconds: 180 }, judge };
    },
  });

  for (const { name, timeoutMs, run } of weatherCases([story], commonWeathers, process.env))
    it(name, { timeout: timeoutMs }, () => run(console.log));
});
