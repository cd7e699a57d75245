import { describe, expect, it } from "vitest";
import { createEcsTaskWorld, type EcsTaskWorld, LEAST, type WorldOptions } from "../testing/an-ecs-task-world.ts";

/** The function's timeout in its README. */
const FUNCTION_MS = 120_000;
const Instances = ["1".padStart(32, "0")];

/** Ends a process at the function's timeout, whatever it does then. */
const killAtTimeout: NonNullable<WorldOptions["invoke"]> = (event, { handler, deps }) => {
  const killed = deps.clock.sleep(FUNCTION_MS).then(() => {
    throw Object.assign(new Error("Task timed out after 120.00 seconds"), { name: "Sandbox.Timedout" });
  });
  return Promise.race([handler(event), killed]);
};

/** Creates the resource, and returns how it ended when nothing more can happen. */
async function create(world: EcsTaskWorld) {
  const { status, reason } = await world.until(world.life.create({ ...LEAST, Instances }));
  for (let minute = 0; minute < 10; minute += 1) await world.clock.advance(60_000);
  const left = world.sim.ecs.tasks().filter(({ lastStatus }) => lastStatus !== "STOPPED");
  return { status, reason, started: world.sim.ecs.tasks().length, left: left.length };
}

describe("a function whose time is over between StartTask, which has no client token, and its return", () => {
  it("has started one task where ECS has served the call", async () => {
    const world = createEcsTaskWorld({ invoke: killAtTimeout });
    world.sim.once("ECS.StartTask", (proceed) => proceed().then(() => new Promise(() => undefined)));

    expect(await create(world)).toMatchObject({ status: "CREATE_COMPLETE", started: 1, left: 0 });
  });

  it("has started one task where ECS serves the call only at the end of its time", async () => {
    const world = createEcsTaskWorld({ invoke: killAtTimeout });
    world.sim.once("ECS.StartTask", async (proceed) => {
      await world.clock.sleep(FUNCTION_MS - 1_000);
      await proceed();
      return new Promise(() => undefined);
    });

    expect(await create(world)).toMatchObject({ status: "CREATE_COMPLETE", started: 1, left: 0 });
  });

  it("has started one task where ECS does not list it for most of a minute", async () => {
    const world = createEcsTaskWorld({ invoke: killAtTimeout });
    world.sim.ecs.script("migrate", { runsMs: 600_000, missingMs: 50_000 });
    world.sim.once("ECS.StartTask", (proceed) => proceed().then(() => new Promise(() => undefined)));

    expect(await create(world)).toMatchObject({ status: "CREATE_COMPLETE", started: 1, left: 0 });
  });

  it("has started one task where it gives up itself 20 s before, though the call is served afterwards", async () => {
    const invoke: NonNullable<WorldOptions["invoke"]> = (event, made) => {
      const endsAt = made.deps.clock.now() + FUNCTION_MS;
      const context = { getRemainingTimeInMillis: () => endsAt - made.deps.clock.now() };
      return made.handler(event, context);
    };
    const world = createEcsTaskWorld({ invoke });
    world.sim.once("ECS.StartTask", async (proceed) => {
      await world.clock.sleep(FUNCTION_MS - 10_000);
      await proceed();
      return new Promise(() => undefined);
    });

    expect(await create(world)).toMatchObject({ status: "CREATE_COMPLETE", started: 1, left: 0 });
  });
});
