import { describe, expect, it } from "vitest";
import type { ReleaseWork } from "../release-state.ts";
import { aHook, anAlarmPolicy, anAutoscaling, aService, TARGET } from "../testing/builders.ts";
import { type CallGuard, createDeath, guardDeps } from "../testing/fakes.ts";
import { createReleaseWorld, type ReleaseWorld } from "../testing/release-world.ts";
import { deploy } from "./deploy.ts";
import { validateResources } from "./validate.ts";

const PLACE = { account: TARGET.account, region: TARGET.region };
/** More calls than the tasks make. */
const MAX_CALLS = 100;
/** The calls before it only read, and their death leaves nothing. */
const FIRST_CHANGE = 16;

/** A release of two services with all that can be created. */
function aWork(world: ReleaseWorld): ReleaseWork {
  const placement = { placement_group_name: "odin/org/shop/production", placement_group_strategy: "spread" } as const;
  const autoscaling = anAutoscaling({ max_size: 4, policies: [anAlarmPolicy()] });
  const common = { autoscaling, ...placement };
  world.addOldGroup({ service: "web" });
  return world.work({
    lifecycle: { ready: aHook() },
    services: {
      web: aService({ ...common, elbs: ["web"], target_groups: ["web"], profile: "web" }),
      api: aService({ ...common, service_name: "api", security_groups: ["api"] }),
    },
  });
}

/** Everything that stands, apart from what differs with each world. */
function standing({ sim }: ReleaseWorld) {
  const groups = sim.autoScaling.listGroups(PLACE).map(({ name, min, desired, max, tags }) => ({
    name,
    min,
    desired,
    max,
    tags,
  }));
  const alarms = sim.cloudWatch.findAlarms(PLACE.account, PLACE.region).map(({ name }) => name);
  const created = (operation: string) => {
    const inputs = sim.calls.filter((each) => each.operation === operation).map(({ input }) => input);
    return new Set(inputs.map((each) => each["LaunchTemplateName"] ?? each["GroupName"]));
  };
  return {
    groups,
    alarms,
    templates: created("EC2.CreateLaunchTemplate"),
    placements: created("EC2.CreatePlacementGroup"),
  };
}

/** Runs the tasks, dies once, and runs on in a new process with what the last state had kept. */
async function dieAndContinue(world: ReleaseWorld, death: ReturnType<typeof createDeath>): Promise<ReleaseWork> {
  const dying = guardDeps(world.deps, death);
  let work = aWork(world);
  for (const task of [validateResources, deploy]) {
    const first = task(dying, work).catch((error: unknown) => {
      if (!death.isDead()) throw error;
      return undefined;
    });
    const state = (await world.until(first)) ?? (await world.until(task(world.deps, work)));
    work = { ...work, state };
  }
  return work;
}

describe("a process that dies at any call until everything is created", () => {
  it.each([
    ["before a call", "before", 0],
    ["after a call whose effect AWS lists at once", "after", 0],
    ["after a call whose effect AWS lists later", "after", 5_000],
  ] as const)("has it created once by the next one, when it dies %s", async (_, when, describeLagMs) => {
    const undisturbed = createReleaseWorld();
    const expected = await dieAndContinue(undisturbed, createDeath(0, when));
    let deaths = 0;
    for (let at = FIRST_CHANGE; at <= MAX_CALLS; at += 1) {
      const world = createReleaseWorld();
      world.sim.autoScaling.set({ describeLagMs });
      world.sim.ec2.set({ describeLagMs });
      const death = createDeath(at, when);

      const work = await dieAndContinue(world, death);
      await world.clock.advance(describeLagMs);

      expect(work.state, `call ${at}`).toEqual(expected.state);
      expect(standing(world), `call ${at}`).toEqual(standing(undisturbed));
      if (!death.isDead()) break;
      deaths += 1;
    }

    expect(deaths).toBeGreaterThan(15);
    expect(deaths).toBeLessThan(MAX_CALLS);
  });
});

describe("an error of AWS at any call until everything is created", () => {
  it("is reported as text, with its class, and a rejected release creates nothing", async () => {
    const classes = new Set<string>();
    for (let at = 1; at <= MAX_CALLS; at += 1) {
      const world = createReleaseWorld();
      const fault = createFault(at);

      const { errorClass, message } = await world.until(run(guardDeps(world.deps, fault), aWork(world)));

      if (!fault.isMet()) break;
      classes.add(errorClass);
      expect(message, `call ${at}`).not.toBe("");
      const isRefused = errorClass === "BadReleaseError" || errorClass === "HaltError";
      if (isRefused) expect(standing(world).templates, `call ${at}`).toEqual(new Set());
    }

    // A slow start that could not be read counts as absent, and so do orders to halt.
    expect(classes).toEqual(new Set(["BadReleaseError", "none", "HaltError", "DeployError"]));
  });
});

async function run(deps: ReleaseWorld["deps"], work: ReleaseWork): Promise<{ errorClass: string; message: string }> {
  try {
    await deploy(deps, { ...work, state: await validateResources(deps, work) });
    return { errorClass: "none", message: "done" };
  } catch (error) {
    return { errorClass: String(Object(error).errorClass), message: String(Object(error).message) };
  }
}

/** One call is answered with an error that is the request's own. */
function createFault(at: number): CallGuard & { isMet(): boolean } {
  let calls = 0;
  return {
    isMet: () => calls >= at,
    async around(_, call) {
      calls += 1;
      if (calls !== at) return call();
      throw Object.assign(new Error("No."), { name: "ValidationError", $metadata: { httpStatusCode: 400 } });
    },
  };
}
