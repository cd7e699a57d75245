import { createFakeClock } from "@stackyard/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createAwsSim } from "../aws-sim.ts";
import { ACCOUNT } from "../testing/a-world.ts";
import type { LaunchScript } from "./sim-group.ts";

const OLD = { account: ACCOUNT, region: "eu-west-1", name: "web" };

type Step = { readonly wait: number } | { readonly desired: number };

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    fc.record({ wait: fc.integer({ min: 0, max: 120_000 }) }),
    fc.record({ desired: fc.integer({ min: 0, max: 8 }) }),
  ),
  { maxLength: 12 },
);
const times = fc.record({
  bootMs: fc.integer({ min: 0, max: 60_000 }),
  healthyAfterMs: fc.integer({ min: 0, max: 60_000 }),
});
const deaths = fc.array(fc.integer({ min: 0, max: 90_000 }), { maxLength: 5 });

describe("a group", () => {
  it("reaches its desired capacity, leaves nothing behind, and does not depend on being read", async () => {
    await fc.assert(
      fc.asyncProperty(steps, times, deaths, async (path, script, dying) => {
        const scripts = [...dying.map((diesAfterMs) => ({ ...script, diesAfterMs })), script];
        const [watched, alone] = [createLife(scripts), createLife(scripts)];
        for (const step of path) {
          await watched.take(step);
          watched.look();
        }
        for (const step of path) await alone.take(step);
        for (const { clock } of [watched, alone]) await clock.advance(3_600_000);

        const desired = path.flatMap((step) => ("desired" in step ? [step.desired] : [])).at(-1) ?? 2;
        expect(watched.look()).toEqual({ inService: desired, others: 0, running: desired });
        expect(alone.look()).toEqual(watched.look());
      }),
      { numRuns: 60 },
    );
  });
});

function createLife(scripts: readonly LaunchScript[]) {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  const arn = sim.loadBalancing.addTargetGroup({ ...OLD, deregistrationDelaySeconds: 30 });
  sim.autoScaling.addGroup({ ...OLD, desired: 2, max: 8, targetGroups: [arn], healthCheckType: "ELB" });
  sim.autoScaling.script("web", ...scripts);
  const look = () => {
    const { instances = [] } = sim.autoScaling.findGroup(OLD) ?? {};
    const inService = instances.filter(({ lifecycleState }) => lifecycleState === "InService").length;
    const running = [...sim.ec2.state.instances.values()].filter(({ states }) => {
      return states.findLast(({ at }) => at <= clock.now())?.state === "running";
    }).length;
    return { inService, others: instances.length - inService, running };
  };
  const take = async (step: Step) => {
    if ("wait" in step) await clock.advance(step.wait);
    else sim.autoScaling.setDesired(OLD, step.desired);
  };
  return { clock, look, take };
}
