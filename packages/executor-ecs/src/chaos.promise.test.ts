import { connectionReset, SimFault } from "@stackyard/aws-sim";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEcsYard, type EcsYard, INSTANCE } from "./testing/an-ecs-yard.ts";

const OPERATIONS = [
  "RunTask",
  "StartTask",
  "DescribeTasks",
  "ListTasks",
  "StopTask",
  "DescribeTaskDefinition",
] as const;

/** What goes wrong at the next calls of an operation. */
interface Trouble {
  readonly operation: (typeof OPERATIONS)[number];
  readonly kind: "throttled" | "server" | "lost-before" | "lost-after";
}

const aTrouble: fc.Arbitrary<Trouble> = fc.record({
  operation: fc.constantFrom(...OPERATIONS),
  kind: fc.constantFrom("throttled", "server", "lost-before", "lost-after"),
});

const aWorld = fc.record({
  count: fc.integer({ min: 1, max: 3 }),
  onInstance: fc.boolean(),
  runsMs: fc.constantFrom(1_000, 20_000, Number.POSITIVE_INFINITY),
  exitCode: fc.constantFrom(0, 0, 1),
  missingMs: fc.constantFrom(0, 0, 5_000, 20_000),
  refusals: fc.array(fc.constantFrom("RESOURCE:MEMORY", "AGENT", "ATTRIBUTE"), { maxLength: 2 }),
  troubles: fc.array(aTrouble, { maxLength: 6 }),
  cancelAfterMs: fc.option(fc.integer({ min: 1, max: 40_000 }), { nil: undefined }),
});

function plant({ sim }: EcsYard, { operation, kind }: Trouble): void {
  sim.once(`ECS.${operation}`, async (proceed) => {
    if (kind === "throttled") throw new SimFault("ThrottlingException", 400, "Rate exceeded");
    if (kind === "server") throw new SimFault("ServerException", 500, "Not now.");
    if (kind === "lost-after") await proceed();
    throw connectionReset();
  });
}

type World = typeof aWorld extends fc.Arbitrary<infer Value> ? Value : never;

async function run({ runsMs, missingMs, exitCode, cancelAfterMs, ...world }: World) {
  const yard = createEcsYard();
  yard.sim.ecs.script("migrate", { runsMs, missingMs, containers: { app: { exitCode } } });
  for (const reason of world.refusals) yard.sim.ecs.refuse({ reason, tasks: 1 });
  for (const trouble of world.troubles) plant(yard, trouble);
  const count = world.onInstance ? 1 : world.count;
  const instances = world.onInstance ? [INSTANCE] : [];
  const config = { cluster: "web", taskDefinition: "migrate", count, instances, timeout: "2m", placementTimeout: "1m" };
  const { step } = await yard.run(config, cancelAfterMs === undefined ? {} : { cancelAfterMs });
  return { step, count, tasks: yard.sim.ecs.tasks() };
}

const throttled = (...operations: readonly Trouble["operation"][]): Trouble[] =>
  operations.map((operation) => ({ operation, kind: "throttled" }));

/** ECS throttles the stop of the one task that found a place for longer than its end is waited for. */
const LATE_STOP: World = {
  count: 2,
  onInstance: false,
  runsMs: Number.POSITIVE_INFINITY,
  exitCode: 0,
  missingMs: 0,
  refusals: ["ATTRIBUTE"],
  troubles: throttled("DescribeTasks", "StopTask", "DescribeTasks", "StopTask", "DescribeTasks"),
  cancelAfterMs: undefined,
};

describe("errors for a limited time", () => {
  it("never starts more than requested, and leaves nothing running", async () => {
    await fc.assert(
      fc.asyncProperty(aWorld, async (world) => {
        const { step, count, tasks } = await run(world);

        expect(tasks.length).toBeLessThanOrEqual(count);
        expect(tasks.filter(({ lastStatus }) => lastStatus !== "STOPPED")).toEqual([]);
        if (step.kind === "succeeded") expect([tasks.length, world.exitCode]).toEqual([count, 0]);
      }),
      { numRuns: 100, examples: [[LATE_STOP]] },
    );
  }, 120_000);
});
