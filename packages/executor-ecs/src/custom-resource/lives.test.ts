import { type LifeStep, SimFault, type TaskScript } from "@stackyard/aws-sim";
import { passUntil } from "@stackyard/core/testing";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { createMortalFunction, type Death, type MortalFunction } from "../testing/a-mortal-function.ts";
import { createEcsTaskWorld, type EcsTaskWorld, LEAST } from "../testing/an-ecs-task-world.ts";

/** One operation on the resource, and what goes wrong meanwhile. */
interface Chapter {
  readonly properties: Readonly<Record<string, unknown>>;
  readonly script: TaskScript;
  readonly refused: readonly number[];
  readonly throttled: readonly string[];
  readonly deaths: readonly Death[];
  readonly copies: number;
}

const seconds = (...values: readonly number[]) => fc.constantFrom(...values.map((value) => value * 1_000));
const maybe = <T>(drawn: fc.Arbitrary<T>) => fc.option(drawn, { nil: undefined });

// A function that dies before it has noted its request is called again a minute later. Then what it may take at most, 59
// minutes, ends with the hour after which CloudFormation gives up: so the longest (0 too) is left to other tests.
const properties = fc.record({
  Count: fc.constantFrom<unknown>(0, 1, 1, 2, "3", "many"),
  Timeout: fc.constantFrom(60, 600, 3_400),
  PollInterval: fc.constantFrom(10, 60),
  PlacementTimeout: fc.constantFrom(0, 300),
  RunOnUpdate: fc.constantFrom(true, true, "no"),
  CheckContainers: fc.constantFrom("all", "essential"),
  Instances: fc.constantFrom([], [], ["1".padStart(32, "0")]),
});

const script: fc.Arbitrary<TaskScript> = fc
  .record({
    runsMs: fc.constantFrom(1_000, 20_000, 300_000, Number.POSITIVE_INFINITY),
    stopsInMs: seconds(1, 29, 100),
    // StartTask has no token: what ECS hides for longer than a minute after a crash is not found again by anybody.
    missingMs: maybe(seconds(1, 20, 50)),
    failsToStart: maybe(fc.constant("CannotPullContainerError: not found")),
    exitCode: fc.constantFrom(0, 0, 0, 1, 137),
  })
  .map(({ exitCode, missingMs, failsToStart, ...rest }) => ({
    ...rest,
    containers: { app: exitCode },
    ...(missingMs === undefined ? {} : { missingMs }),
    ...(failsToStart === undefined ? {} : { failsToStart }),
  }));

const chapter: fc.Arbitrary<Chapter> = fc.record({
  properties,
  script,
  refused: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 1 }),
  throttled: fc.array(fc.constantFrom("ECS.RunTask", "ECS.DescribeTasks", "ECS.StopTask", "ECS.ListTasks"), {
    maxLength: 2,
  }),
  deaths: fc.array(fc.record({ at: fc.integer({ min: 1, max: 60 }), when: fc.constantFrom("before", "after") }), {
    maxLength: 2,
  }),
  copies: fc.constantFrom(1, 1, 2),
});

interface Told {
  readonly world: EcsTaskWorld;
  readonly steps: readonly LifeStep[];
}

/** Creates, updates and deletes, each time with other luck, and waits until nothing is under way any more. */
async function tell(chapters: readonly Chapter[]): Promise<Told> {
  let mortal: MortalFunction | undefined;
  let copies = 1;
  const world = createEcsTaskWorld({
    async invoke(event, { deps }) {
      mortal ??= createMortalFunction(deps);
      const given = mortal;
      const count = "RequestType" in Object(event) ? copies : 1;
      return (await Promise.all(Array.from({ length: count }, () => given.invoke(event))))[0];
    },
  });
  mortal = createMortalFunction(world.deps);
  const steps: LifeStep[] = [];
  for (const [index, each] of chapters.entries()) {
    bringLuck(world, each);
    mortal.arm(each.deaths);
    copies = each.copies;
    const act = index === 0 ? world.life.create : world.life.update;
    steps.push(await passUntil(world.clock, act({ ...LEAST, ...each.properties })));
    if (steps[0]?.status === "CREATE_FAILED") break;
    // Waits so that ECS lists what it has started before the next update of a stack.
    await world.clock.advance(60_000);
  }
  mortal.arm([]);
  if (steps[0]?.status !== "CREATE_FAILED") steps.push(await passUntil(world.clock, world.life.delete()));
  await passUntil(world.clock, Promise.all(world.sim.stepFunctions.executions.map(({ ended }) => ended)));
  await world.clock.advance(300_000);
  return { world, steps };
}

function bringLuck({ sim }: EcsTaskWorld, { script: given, refused, throttled }: Chapter): void {
  sim.ecs.script("migrate", given);
  for (const tasks of refused) sim.ecs.refuse({ reason: "RESOURCE:MEMORY", tasks });
  const fail = () => Promise.reject(new SimFault("ThrottlingException", 400, "Rate exceeded"));
  for (const operation of throttled) sim.once(operation, fail);
}

/** What holds for each request, whatever happens. */
function checkAnswers({ world }: Told): void {
  const { life, sim } = world;
  for (const { RequestId, StackId, LogicalResourceId } of life.requests) {
    const uploads = sim.answers.uploads.filter(({ requestId }) => requestId === RequestId);
    expect(new Set(uploads.map(({ answer }) => JSON.stringify(answer))).size).toBe(1);
    expect(uploads[0]?.answer).toMatchObject({ RequestId, StackId, LogicalResourceId });
    expect(Math.max(...uploads.map(({ bytes }) => bytes))).toBeLessThanOrEqual(4_096);
    expect(uploads[0]?.answer?.PhysicalResourceId).toBe(life.physicalId);
  }
}

/** No request starts more tasks than it declares. */
function checkTasks({ world }: Told): void {
  const owners = world.sim.ecs.tasks().map(({ taskArn }) => findRequest(world, taskArn));
  expect(owners).not.toContain(undefined);
  for (const { RequestId, ResourceProperties } of world.life.requests) {
    const started = owners.filter((owner) => owner === RequestId);
    if (started.length > 0) expect(started.length).toBeLessThanOrEqual(toMost(ResourceProperties));
  }
}

function toMost({ Count, Instances }: Readonly<Record<string, unknown>>): number {
  return Array.isArray(Instances) && Instances.length > 0 ? Instances.length : Number(Count ?? 1);
}

function findRequest({ sim }: EcsTaskWorld, taskArn: string): string | undefined {
  return sim.ecs.firstTagsOf(taskArn).find(({ key }) => key === "stackyard:request")?.value;
}

// Loads what is loaded with its first use: the SDK and the interpreter.
beforeAll(async () => {
  const { life, until } = createEcsTaskWorld();
  await until(life.create(LEAST));
});

describe("lives with any luck", () => {
  it("get one answer for each request, start no task too many, and leave none behind", {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(chapter, { minLength: 1, maxLength: 3 }), async (chapters) => {
        const told = await tell(chapters);

        checkAnswers(told);
        checkTasks(told);
        expect(told.world.sim.ecs.tasks().map(({ desiredStatus }) => desiredStatus)).not.toContain("RUNNING");
        expect(told.steps.at(-1)?.status).toMatch(/DELETE_COMPLETE|CREATE_FAILED/);
        expect(told.world.sim.stepFunctions.executions.map(({ status }) => status)).not.toContain("TIMED_OUT");
      }),
      { numRuns: process.env["QUICK_TESTS"] ? 15 : 60 },
    );
  });
});
