import { connectionReset, SimFault } from "@stackyard/aws-sim";
import type { Clock, Step } from "@stackyard/core";
import { createRandom, runExecutor } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createAsgExecutor } from "./asg.ts";
import { guardContext } from "./testing/fakes.ts";
import { type AsgYard, addServingGroup, aTaskConfig, createAsgYard, watchTraffic } from "./testing/yards.ts";

const MINUTE_MS = 60_000;
const OLD = "org/shop-production-release-1-web";
const NEW = "org/shop-production-2026-01-01T00-00-00Z-web";

interface Run {
  readonly step: Step;
  readonly yard: AsgYard;
  readonly calls: number;
}

/** A release next to an old group, with errors in some of its calls to AWS. Its clients try once. */
async function release(isHit: (call: number) => boolean, toError: () => Error, when: "before" | "after"): Promise<Run> {
  const yard = createAsgYard();
  await addServingGroup(yard);
  const watch = watchTraffic(yard, 2);
  let calls = 0;
  const context = guardContext(guardContext(yard.context(), watch), {
    async around(name, call) {
      if (name.startsWith("Records")) return call();
      calls += 1;
      const isIt = isHit(calls);
      if (isIt && when === "before") throw toError();
      const result = await call();
      if (isIt) throw toError();
      return result;
    },
  });
  const { step } = await runExecutor(createAsgExecutor({ random: createRandom(7) }), aTaskConfig(), { context });
  expect(watch.faults, `call ${calls}`).toEqual([]);
  return { step, yard, calls };
}

/** The new servers, or the old ones, and nothing of the others. */
async function checkEnd({ step, yard }: Run, call: number): Promise<void> {
  const isDone = step.kind === "succeeded";
  const expected = isDone
    ? { groups: [NEW], templates: [NEW], alarms: [`${NEW}-cpu_scale_up`] }
    : { groups: [OLD], templates: [], alarms: [] };
  expect(await yard.standing(), `call ${call}: ${JSON.stringify(step)}`).toEqual(expected);
  if (!isDone) expect(step, `call ${call}`).toMatchObject({ outputs: { end: "FailureClean" } });
}

describe("a release of which one call of AWS fails", () => {
  it.each([
    ["is throttled", () => new SimFault("ThrottlingException", 400, "Rate exceeded"), "before"],
    ["gets no answer", connectionReset, "after"],
  ] as const)("ends well or clean, whichever call %s", async (_, toError, when) => {
    for (let call = 1; ; call += 1) {
      const run = await release((each) => each === call, toError, when);
      if (run.calls < call) break;
      await checkEnd(run, call);
    }
  });

  it("ends well or clean though every fifth call is throttled", async () => {
    for (let offset = 0; offset < 5; offset += 1) {
      const toError = () => new SimFault("ThrottlingException", 400, "Rate exceeded");
      await checkEnd(await release((each) => each % 5 === offset, toError, "before"), offset);
    }
  });
});

describe("a deployer whose clock is wrong", () => {
  it.each([-2 * MINUTE_MS, 2 * MINUTE_MS])("by %d ms still releases", async (skewMs) => {
    const yard = createAsgYard();
    await addServingGroup(yard);
    const watch = watchTraffic(yard, 2);
    const context = guardContext(yard.context(), watch);
    const clock: Clock = {
      now: () => context.clock.now() + skewMs,
      sleep: (...input) => context.clock.sleep(...input),
    };
    const executor = createAsgExecutor({ random: createRandom(7) });
    const skewed = {
      ...executor,
      start: (ctx: typeof context, config: never) => executor.start({ ...ctx, clock }, config),
      poll: async (ctx: typeof context, config: never, progress: never) =>
        executor.poll?.({ ...ctx, clock }, config, progress) as never,
    };

    const { step } = await runExecutor(skewed as never, aTaskConfig(), { context });

    expect(step).toMatchObject({ kind: "succeeded" });
    expect(watch.faults).toEqual([]);
    expect((await yard.standing()).groups).toHaveLength(1);
  });
});
