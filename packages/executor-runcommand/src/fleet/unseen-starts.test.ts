import { describe, expect, it } from "vitest";
import { createFleetWorld } from "../testing/a-fleet-world.ts";
import { anInstanceEvent, INSTANCE_ID } from "../testing/an-instance-event.ts";
import type { FleetSettings } from "./fleet-deps.ts";

const MINUTE = 60_000;
const TICK = { source: "aws.events", "detail-type": "Scheduled Event", detail: {} };

function createWorld(settings: FleetSettings = {}) {
  const metrics: number[] = [];
  const write = (line: string) => void metrics.push(JSON.parse(line).UnseenStarts);
  const world = createFleetWorld(settings, (deps) => ({ ...deps, write }));
  /** Ticks for so long, ten minutes apart. */
  const tick = async (minutes: number) => {
    for (let passed = 0; passed < minutes; passed += 10) {
      await world.app.handler(TICK);
      await world.clock.advance(10 * MINUTE);
    }
  };
  const errors = () => world.log.filter((line) => line.startsWith("error"));
  return { ...world, metrics, tick, errors };
}

// aws/aws-cdk#29653 is of the same kind: what another tool has switched off is silent.
describe("an instance that starts while the rule of the fleet is disabled", () => {
  it("is named within two hours, once", async () => {
    const world = createWorld();
    await world.tick(30);
    world.addInstance({ launchedAt: world.clock.now() });

    await world.tick(240);

    expect(world.errors()).toEqual([
      expect.stringMatching(/are the rules of the fleet enabled\?.*"code":"EVENT_MISSING".*"count":1/),
    ]);
    expect(world.errors()[0]).toContain(INSTANCE_ID);
    expect(world.metrics.filter((count) => count > 0)).toEqual([1]);
    expect(world.calls).toEqual([]);
  });

  it("is not looked for where instances that start are not configured", async () => {
    const world = createWorld({ watchesStarts: false });
    await world.tick(30);
    world.addInstance({ launchedAt: world.clock.now() });

    await world.tick(240);

    expect([world.errors(), world.metrics, world.sim.calls]).toEqual([[], [], []]);
  });
});

it("an instance whose event came, and one from before the first look, are not named", async () => {
  const world = createWorld();
  world.addInstance({ instanceId: "i-00000000000000001", launchedAt: world.clock.now() - 5 * MINUTE });
  await world.tick(30);
  world.addInstance({ launchedAt: world.clock.now() });
  await world.app.handler(anInstanceEvent());

  await world.tick(240);

  expect(world.errors().filter((line) => line.includes("EVENT_MISSING"))).toEqual([]);
  expect(new Set(world.metrics)).toEqual(new Set([0]));
});

it("a fleet whose instances cannot be listed says so, and settles its runs", async () => {
  const world = createWorld();
  await world.tick(80);
  world.sim.once("EC2.DescribeInstances", () => Promise.reject(new Error("broken")));

  const report = await world.app.handler(TICK);

  expect(report).toMatchObject({ kind: "tick", failed: 0 });
  expect(world.errors()).toEqual([expect.stringContaining("It could not be checked which instances have started.")]);
});
