import { readFileSync } from "node:fs";
import { parseMachine } from "@stackyard/core/machine";
import {
  commonWeathers,
  createSimulator,
  type Ending,
  runExecutor,
  type Sky,
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

  /** Brews a cup. The worker looks every ten seconds, unless it is switched off. */
  async function brew(sky: Sky): Promise<Ending> {
    if (machine === undefined) throw new Error(JSON.stringify(problems));
    let starts = 0;
    const counted: typeof delay = {
      ...delay,
      start(ctx, config) {
        starts += 1;
        return delay.start(ctx, config);
      },
    };
    const yard = createSimulator({ machines: [{ machine, source }], executors: [counted] });
    sky.under(yard.clock, yard.clock.advance);
    const readyAt = yard.clock.now() + 180_000;
    await yard.publish({ stackId: "cup-1", machine: "tea", event: "BREW" });
    for (let looks = 0; looks < 30; looks += 1) await sky.meet("look.worker", {}, () => yard.advance(10_000));
    await sky.clear();
    await yard.advance(3_600_000);
    const { state } = (await yard.findStack("cup-1")) ?? { state: "NONE" };
    return {
      verdict: state === "READY" ? "succeeded" : "failed",
      truth: starts > 0 && yard.clock.now() >= readyAt ? "succeeded" : "unfinished",
      said: state,
      begun: { tea: starts },
      ended: [],
      left: [],
      foreign: [],
      views: {},
    };
  }

  for (const { name, timeoutMs, run } of weatherCases([{ name: "tea", play: brew }], commonWeathers, process.env))
    it(`${name} in every weather`, { timeout: timeoutMs }, () => run(console.log));
});
