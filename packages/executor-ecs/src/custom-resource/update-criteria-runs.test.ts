import { describe, expect, it } from "vitest";
import { createEcsTaskWorld, type EcsTaskWorld } from "../testing/an-ecs-task-world.ts";
import { PLACE } from "../testing/an-ecs-yard.ts";

const BASE = {
  Cluster: "web",
  TaskDefinition: "app",
  UpdateCriteria: [{ Container: "app", EnvironmentKeys: ["VERSION", "MODE"] }],
};

function register({ sim }: EcsTaskWorld, variables: Readonly<Record<string, string>>, container = "app"): void {
  const environment = Object.entries(variables).map(([name, value]) => ({ name, value }));
  sim.ecs.registerTaskDefinition({ ...PLACE, family: "app", containerDefinitions: [{ name: container, environment }] });
}

/** A resource that has run with VERSION 1. */
async function created(properties: object = {}) {
  const world = createEcsTaskWorld();
  register(world, { VERSION: "1" });
  await world.until(world.life.create({ ...BASE, ...properties }));
  const update = async (changes: object = {}) => {
    const { answer, reason } = await world.until(world.life.update({ ...BASE, ...changes }));
    return answer?.Data?.["Why"] || reason;
  };
  return { world, update };
}

describe("UpdateCriteria", () => {
  it("runs nothing while what it names is the same", async () => {
    const { world, update } = await created();

    expect(await update({ Triggers: 1 })).toBe("CRITERIA_UNCHANGED");
    register(world, { VERSION: "1", OTHER: "2" });
    expect(await update({ Triggers: 2 })).toBe("CRITERIA_UNCHANGED");
    expect(world.count("ECS.RunTask")).toBe(1);
  });

  it("sees a new revision of a family, since it remembers what ran last", async () => {
    const { world, update } = await created();
    register(world, { VERSION: "2" });

    expect(await update()).toBe("RUN");
    expect(await update()).toBe("CRITERIA_UNCHANGED");
    expect(world.inputs("ECS.RunTask").map(({ taskDefinition }) => String(taskDefinition).split("/")[1])).toEqual([
      ...["app:1", "app:2"],
    ]);
  });

  it("compares with what ran last, not with what was compared last", async () => {
    const { world, update } = await created();
    register(world, { VERSION: "1", OTHER: "x" });
    expect(await update()).toBe("CRITERIA_UNCHANGED");
    register(world, { VERSION: "2" });

    expect(await update()).toBe("RUN");
  });

  it("compares named revisions as they are", async () => {
    const { world, update } = await created({ TaskDefinition: "app:1" });
    register(world, { VERSION: "2" });

    expect(await update({ TaskDefinition: "app:1" })).toBe("CRITERIA_UNCHANGED");
    expect(await update({ TaskDefinition: "app:2" })).toBe("RUN");
  });

  it("sees overrides", async () => {
    const { update } = await created();
    const Overrides = { ContainerOverrides: [{ Name: "app", Environment: [{ Name: "MODE", Value: "full" }] }] };

    expect(await update({ Overrides })).toBe("RUN");
    expect(await update({ Overrides })).toBe("CRITERIA_UNCHANGED");
  });

  it("does not take another cluster or other criteria for a change", async () => {
    const { world, update } = await created();
    world.sim.ecs.addCluster({ ...PLACE, name: "other" });

    expect(await update({ Cluster: "other" })).toBe("CRITERIA_UNCHANGED");
    expect(await update({ UpdateCriteria: [{ Container: "app", EnvironmentKey: "VERSION" }] })).toBe(
      "CRITERIA_UNCHANGED",
    );
  });

  it("fails where it names a container that the new definition lacks", async () => {
    const { world, update } = await created();
    register(world, { VERSION: "1" }, "web");

    expect(await update()).toMatch(/^ECS_CRITERIA_CONTAINER: UpdateCriteria names app, .* It has: web\.$/);
    expect(world.count("ECS.RunTask")).toBe(1);
  });

  it("runs where the old properties name no task definition", async () => {
    const world = createEcsTaskWorld();
    register(world, { VERSION: "1" });
    await world.until(world.life.create({ Cluster: "web" }));

    const { answer } = await world.until(world.life.update(BASE));

    expect(answer?.Data?.["Why"]).toBe("RUN");
  });

  it("compares the latest revision with itself, with a warning, if the last one is unknown", async () => {
    const { world, update } = await created({ Count: 0 });
    register(world, { VERSION: "2" });

    expect(await update({ Triggers: 1 })).toBe("CRITERIA_UNCHANGED");
    expect(world.logger.lines).toContainEqual(
      expect.objectContaining({
        level: "warn",
        message: expect.stringMatching(/The revision of the last run is unknown/),
      }),
    );
  });

  it("runs where the old definition does not exist any more", async () => {
    const { world, update } = await created({ TaskDefinition: "app:7" });

    expect(await update()).toBe("RUN");
    expect(world.logger.lines.map(({ message }) => message)).toContain(
      "The old task definition does not exist any more, so everything counts as changed.",
    );
  });

  it("runs nothing, and fails with the reason, where the old definition may not be read", async () => {
    const { world } = await created({ TaskDefinition: "app:1" });
    const denied = Object.assign(new Error("no"), { name: "AccessDeniedException", $metadata: {} });
    // The new definition is read before each look at the old one.
    const alternate = (isOld: boolean) => {
      world.sim.once("ECS.DescribeTaskDefinition", (proceed) => {
        alternate(!isOld);
        return isOld ? Promise.reject(denied) : proceed();
      });
    };
    alternate(false);

    const { reason } = await world.until(world.life.update({ ...BASE, TaskDefinition: "app:1", Triggers: 1 }));

    expect(reason).toMatch(/Nothing was run: the old task definition/);
    expect(world.count("ECS.RunTask")).toBe(1);
  });

  it("reads the old definition again, and runs nothing meanwhile, where ECS is busy", async () => {
    const { world, update } = await created({ TaskDefinition: "app:1" });
    const busy = Object.assign(new Error("slow down"), { name: "ThrottlingException", $metadata: {} });
    // The new definition is read first.
    world.sim.once("ECS.DescribeTaskDefinition", (proceed) => proceed());
    world.sim.once("ECS.DescribeTaskDefinition", () => Promise.reject(busy));

    expect(await update({ TaskDefinition: "app:1", Triggers: 1 })).toBe("CRITERIA_UNCHANGED");
    expect(world.count("ECS.RunTask")).toBe(1);
  });

  it("ignores old overrides that are invalid", async () => {
    const { update } = await created({ Overrides: { containerOverrides: "x" } });

    expect(await update()).toBe("CRITERIA_UNCHANGED");
  });
});
