import { type LifeStep, taskScripts } from "@stackyard/aws-sim";
import { passUntil } from "@stackyard/core/testing";
import { beforeAll, describe, expect, it } from "vitest";
import { createMortalFunction, type Death, type MortalFunction } from "../testing/a-mortal-function.ts";
import { createEcsTaskWorld, type EcsTaskWorld, LEAST } from "../testing/an-ecs-task-world.ts";

/** What CloudFormation requests, and how ECS responds. */
interface Scenario {
  readonly name: string;
  readonly prepare?: (world: EcsTaskWorld) => Promise<unknown> | undefined;
  readonly act: (world: EcsTaskWorld) => Promise<LifeStep>;
  /** The status, how the reason begins, and how all tasks have ended. */
  readonly expected: readonly [status: string, reason: RegExp, stopCodes: readonly string[]];
}

const INSTANCE = "1".padStart(32, "0");
const RUNS = "EssentialContainerExited";
const STOPPED = "UserInitiated";

const SCENARIOS: readonly Scenario[] = [
  {
    name: "a run",
    act: ({ life }) => life.create({ ...LEAST, Count: 2 }),
    expected: ["CREATE_COMPLETE", /^RUN: /, [RUNS, RUNS]],
  },
  {
    name: "a run on an instance, where no token keeps the start single",
    act: ({ life }) => life.create({ ...LEAST, Instances: [INSTANCE] }),
    expected: ["CREATE_COMPLETE", /^RUN: /, [RUNS]],
  },
  {
    name: "a run that fails",
    prepare: ({ sim }) => void sim.ecs.script("migrate", { containers: { app: { exitCode: 3, logs: ["no"] } } }),
    act: ({ life }) => life.create(LEAST),
    expected: ["CREATE_FAILED", /^ECS_EXIT_CODE: .*exited with 3/, [RUNS]],
  },
  {
    name: "a placement of which half fails",
    prepare({ sim }) {
      sim.ecs.script("migrate", taskScripts.runsOn());
      sim.ecs.refuse({ reason: "RESOURCE:MEMORY", tasks: 1 });
    },
    act: ({ life }) => life.create({ ...LEAST, Count: 2 }),
    expected: ["CREATE_FAILED", /^ECS_PLACEMENT_FAILED: /, [STOPPED]],
  },
  {
    name: "a placement that succeeds when it is tried again",
    prepare: ({ sim }) => void sim.ecs.refuse({ reason: "RESOURCE:MEMORY", tasks: 1 }),
    act: ({ life }) => life.create({ ...LEAST, Count: 2, PlacementTimeout: 900 }),
    expected: ["CREATE_COMPLETE", /^RUN: /, [RUNS, RUNS]],
  },
  {
    name: "a run that takes too long",
    prepare: ({ sim }) => void sim.ecs.script("migrate", taskScripts.runsOn()),
    act: ({ life }) => life.create({ ...LEAST, Timeout: 300, PollInterval: 60 }),
    expected: ["CREATE_FAILED", /^ECS_TIMEOUT: /, [STOPPED]],
  },
  {
    name: "an update that runs",
    prepare: ({ life, until }) => until(life.create({ ...LEAST, RunOnUpdate: true })),
    act: ({ life }) => life.update({ ...LEAST, Triggers: "2" }),
    expected: ["UPDATE_COMPLETE", /^RUN: /, [RUNS, RUNS]],
  },
  {
    name: "a deletion of what runs",
    async prepare({ life, until, sim }) {
      sim.ecs.script("migrate", taskScripts.runsOn());
      await until(life.create({ ...LEAST, Count: 3, Timeout: 0 }));
    },
    act: ({ life }) => life.delete(),
    expected: ["DELETE_COMPLETE", /./, [STOPPED, STOPPED, STOPPED]],
  },
];

interface Played {
  readonly world: EcsTaskWorld;
  readonly step: LifeStep;
  readonly calls: number;
}

/** Plays a scenario with a function that dies, and waits until all executions have ended. */
async function play(scenario: Scenario, deaths: readonly Death[], copies = 1): Promise<Played> {
  let mortal: MortalFunction | undefined;
  const world = createEcsTaskWorld({
    async invoke(event, { deps }) {
      mortal ??= createMortalFunction(deps);
      const given = mortal;
      // What is invoked without waiting for it comes at least once; who waits for an answer asks once.
      const isEvent = "RequestType" in Object(event);
      const calls = Array.from({ length: isEvent ? copies : 1 }, () => given.invoke(event));
      return (await Promise.all(calls))[0];
    },
  });
  mortal = createMortalFunction(world.deps);
  await scenario.prepare?.(world);
  mortal.arm(deaths);
  const step = await passUntil(world.clock, scenario.act(world));
  const calls = mortal.count();
  await passUntil(world.clock, Promise.all(world.sim.stepFunctions.executions.map(({ ended }) => ended)));
  if (copies > 1) await passUntil(world.clock, world.life.repeat(step.requestId));
  return { world, step, calls };
}

function check({ expected: [status, reason, stopCodes] }: Scenario, { world, step }: Played, what: string): void {
  const { sim } = world;
  const answers = sim.answers.uploads.filter(({ requestId }) => requestId === step.requestId);
  expect([step.status, step.reason], what).toEqual([status, expect.stringMatching(reason)]);
  // A crash may cut short the wait for tasks that are stopping; they still end.
  expect(
    sim.ecs.tasks().map(({ stopCode }) => stopCode),
    what,
  ).toEqual(stopCodes);
  expect(new Set(answers.map(({ answer }) => JSON.stringify(answer))).size, what).toBe(1);
  expect(
    sim.stepFunctions.executions.map((each) => each.status),
    what,
  ).not.toContain("FAILED");
}

// Loads what is loaded with its first use: the SDK and the interpreter.
beforeAll(async () => {
  const { life, until } = createEcsTaskWorld();
  await until(life.create(LEAST));
});

describe.each(SCENARIOS.map((scenario) => [scenario.name, scenario] as const))("%s", (_name, scenario) => {
  it("succeeds without a crash", async () => {
    check(scenario, await play(scenario, []), "without a death");
  });

  it("goes the same way wherever the function dies", async () => {
    const { calls } = await play(scenario, []);
    expect(calls).toBeGreaterThan(8);
    // Before a call is the same as after the previous one: nothing is observable in between.
    check(scenario, await play(scenario, [{ at: 1, when: "before" }]), "dead before all calls");
    for (let at = 1; at <= calls; at += 1) {
      check(scenario, await play(scenario, [{ at, when: "after" }]), `dead after call ${at}`);
    }
  });

  it("goes the same way when every event comes twice", async () => {
    check(scenario, await play(scenario, [], 2), "twice");
  });
});
