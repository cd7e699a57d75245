import { describe, expect, it } from "vitest";
import { createScalingWorld } from "../testing/a-world.ts";

const SECOND = 1_000;

/** Four instances in two zones, launched one after the other. */
async function createFour(input: object = {}) {
  const world = await createScalingWorld();
  const { sim, clock, create, update, find } = world;
  sim.autoScaling.script("web", { bootMs: 0 });
  await create({ DesiredCapacity: 1, ...input });
  for (const DesiredCapacity of [2, 3, 4]) {
    await clock.advance(2 * SECOND);
    await update({ DesiredCapacity });
  }
  await clock.advance(2 * SECOND);
  const instances = async () => (await find())?.Instances ?? [];
  const first = (await instances()).map(({ InstanceId }) => InstanceId);
  return {
    ...world,
    first,
    leaving: async () =>
      (await instances())
        .filter(({ LifecycleState }) => LifecycleState === "Terminating")
        .map(({ InstanceId }) => first.indexOf(InstanceId)),
    zones: async () => (await instances()).map(({ AvailabilityZone }) => AvailabilityZone?.slice(-1)),
  };
}

describe("a group that shrinks", () => {
  it.each([
    [["Default"], [0, 1]],
    [["OldestInstance"], [0, 1]],
    [["NewestInstance"], [2, 3]],
  ])("ends with %j first what is oldest or newest, evenly over its zones", async (TerminationPolicies, expected) => {
    const { clock, update, leaving, zones } = await createFour({ TerminationPolicies });

    await update({ DesiredCapacity: 2 });
    await clock.advance(SECOND);
    const left = await leaving();
    await clock.advance(30 * SECOND);

    expect([left, (await zones()).toSorted()]).toEqual([expected, ["a", "b"]]);
  });

  it("grows again at once if the capacity is raised meanwhile", async () => {
    const { clock, update, leaving, zones } = await createFour();
    await update({ DesiredCapacity: 2 });
    await clock.advance(SECOND);

    await update({ DesiredCapacity: 4 });
    await clock.advance(SECOND);

    expect([(await leaving()).length, (await zones()).length]).toEqual([2, 6]);
  });
});
