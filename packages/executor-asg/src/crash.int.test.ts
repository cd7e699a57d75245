import type { Executor, ExecutorContext, Step } from "@stackyard/core";
import { createRandom, runExecutor } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createAsgExecutor } from "./asg.ts";
import { createDeath, guardContext } from "./testing/fakes.ts";
import { type AsgYard, addServingGroup, aTaskConfig, createAsgYard, watchTraffic } from "./testing/yards.ts";

/** No process makes so many calls. */
const MAX_CALLS = 400;

const OLD = "org/shop-production-release-1-web";
const NEW = "org/shop-production-2026-01-01T00-00-00Z-web";

/** An executor whose process dies at one call; the next process gets what was kept. */
function dyingAt(number: number): { readonly executor: Executor; hasDied(): boolean } {
  let seen = 0;
  let died = false;
  const fresh = () => createAsgExecutor({ random: createRandom(7) });

  async function attempt(ctx: ExecutorContext, call: (executor: Executor, ctx: ExecutorContext) => Promise<Step>) {
    if (died) return call(fresh(), ctx);
    const death = createDeath(number - seen, "after");
    const step = await call(fresh(), guardContext(ctx, death)).catch(() => undefined);
    seen += death.count();
    if (step !== undefined && !death.isDead()) return step;
    died = true;
    return call(fresh(), ctx);
  }

  const executor = fresh();
  return {
    hasDied: () => died,
    executor: {
      ...executor,
      start: (ctx, given) => attempt(ctx, (each, as) => each.start(as, given)),
      poll: (ctx, given, progress) => attempt(ctx, async (each, as) => each.poll?.(as, given, progress) as never),
      cancel: (ctx, given, progress) => attempt(ctx, async (each, as) => each.cancel?.(as, given, progress) as never),
    },
  };
}

interface Scenario {
  readonly config?: Readonly<Record<string, unknown>>;
  readonly cancelAfterMs?: number;
  prepare?(yard: AsgYard): void;
}

/** Runs the scenario with a death at each of its calls, after it was served: before the next one is the same for the world. */
async function dieEverywhere(scenario: Scenario, check: (yard: AsgYard, step: Step) => Promise<void>): Promise<number> {
  let deaths = 0;
  for (let number = 1; number <= MAX_CALLS; number += 1) {
    const yard = createAsgYard();
    await addServingGroup(yard);
    scenario.prepare?.(yard);
    const watch = watchTraffic(yard, 2);
    const { executor, hasDied } = dyingAt(number);
    const { cancelAfterMs } = scenario;
    const { step } = await runExecutor(executor, aTaskConfig(scenario.config), {
      context: guardContext(yard.context(), watch),
      ...(cancelAfterMs === undefined ? {} : { cancelAfterMs }),
    });
    if (!hasDied()) break;
    deaths += 1;
    expect(watch.faults, `call ${number}`).toEqual([]);
    await check(yard, step);
  }
  return deaths;
}

describe("a process that dies at any call of a release", () => {
  it("has the release done by the next one, and nothing of the old release stands", async () => {
    const deaths = await dieEverywhere({}, async (yard, step) => {
      expect(step).toMatchObject({ kind: "succeeded", outputs: { end: "Success", groups: NEW } });
      expect(await yard.standing()).toEqual({ groups: [NEW], templates: [NEW], alarms: [`${NEW}-cpu_scale_up`] });
    });

    expect(deaths).toBeGreaterThan(50);
  });

  it("leaves nothing of a release that fails, and the old one as it was", async () => {
    const prepare = ({ world }: AsgYard) => world.sim.autoScaling.script("org/", { neverHealthy: true });
    const deaths = await dieEverywhere({ config: { timeout: 130 }, prepare }, async (yard, step) => {
      expect(step).toMatchObject({ kind: "failed", code: "RELEASE_TIMED_OUT", outputs: { end: "FailureClean" } });
      expect(await yard.standing()).toEqual({ groups: [OLD], templates: [], alarms: [] });
    });

    expect(deaths).toBeGreaterThan(50);
  });

  it("leaves nothing of a release that is cancelled", async () => {
    const deaths = await dieEverywhere({ cancelAfterMs: 60_000 }, async (yard, step) => {
      expect(step).toMatchObject({ kind: "failed", code: "RELEASE_HALTED", outputs: { dirty: false } });
      expect(await yard.standing()).toEqual({ groups: [OLD], templates: [], alarms: [] });
    });

    expect(deaths).toBeGreaterThan(25);
  });
});
