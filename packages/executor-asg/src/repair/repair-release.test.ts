import { SimFault } from "@stackyard/aws-sim";
import { describe, expect, it } from "vitest";
import { cleanUpSuccess } from "../tasks/clean-up.ts";
import { detachForFailure, detachForSuccess } from "../tasks/detach.ts";
import { aRelease, TARGET } from "../testing/a-release.ts";
import { createSwitch, type Switch } from "../testing/a-switch.ts";
import { findOrphans } from "../testing/find-orphans.ts";
import { type RepairInput, type RepairResult, repairRelease } from "./repair-release.ts";

const PLACE = { account: TARGET.account, region: TARGET.region };
const TAGS = { ProjectName: "org/shop", ConfigName: "production", ServiceName: "web" };
const { aws_account_id, project_name, config_name } = aRelease();

function repair(world: Switch, over: Partial<RepairInput> = {}): Promise<RepairResult> {
  const at = { aws_account_id, project_name, config_name };
  return world.until(repairRelease(world.deps, { at, uuid: "repair-1", running: [], confirm: true, ...over }));
}

/** What a release leaves whose clean-up has failed. */
async function createFailed(): Promise<Switch> {
  const world = await createSwitch({ isHealthy: false });
  await world.run(detachForFailure);
  return world;
}

describe("repairRelease", () => {
  it("changes nothing unless it was confirmed, and takes no locks", async () => {
    const world = await createFailed();
    await world.memory.locks.acquire(world.now.release, "somebody");

    const result = await repair(world, { confirm: false });

    expect(result).toMatchObject({ found: [{ kind: "group", name: world.newGroup, removable: true }], removed: [] });
    expect(world.standing()).toEqual([world.oldGroup, world.newGroup].toSorted());
  });

  it("removes the groups of a release that has failed, with all that belongs to them", async () => {
    const world = await createFailed();

    const result = await repair(world);

    expect(result).toMatchObject({ removed: [world.newGroup], failed: [] });
    expect(world.standing()).toEqual([world.oldGroup]);
    expect(await findOrphans(world)).toEqual([]);
  });

  it("removes the old groups where the new ones have the traffic", async () => {
    const world = await createSwitch();
    await world.run(detachForSuccess).catch(() => undefined);
    await world.pass(305);

    await repair(world);

    expect(world.standing()).toEqual([world.newGroup]);
  });

  it("takes traffic away first from a group that is to go, and waits for its connections", async () => {
    const world = await createSwitch();

    await repair(world, { keep: ["release-2"] });

    const calls = world.sim.calls.map(({ operation }) => operation);
    expect(calls.indexOf("AutoScaling.DetachLoadBalancerTargetGroups")).toBeGreaterThan(0);
    expect(calls.lastIndexOf("AutoScaling.DescribeLoadBalancerTargetGroups")).toBeLessThan(
      calls.indexOf("AutoScaling.DeleteAutoScalingGroup"),
    );
    expect(world.standing()).toEqual([world.newGroup]);
  });

  it("removes what no group uses any more", async () => {
    const world = await createSwitch();
    await world.run(detachForSuccess).catch(() => undefined);
    await world.pass(305);
    await world.run(detachForSuccess);
    await world.run(cleanUpSuccess);
    await world.pass(60);
    const gone = "org/shop-production-2025-01-01T00-00-00Z-web";
    world.sim.autoScaling.addLaunchConfiguration({ ...PLACE, name: gone });
    world.sim.autoScaling.addLaunchConfiguration({ ...PLACE, name: "org/shop-production-eu-2025-01-01T00-00-00Z-web" });
    world.sim.cloudWatch.addAlarm({ ...PLACE, name: `${gone}-cpu_scale_up` });

    expect(await repair(world)).toMatchObject({ removed: [gone, `${gone}-cpu_scale_up`] });
    expect(await findOrphans(world)).toEqual([]);
    expect(world.inputs("AutoScaling.DeleteLaunchConfiguration").at(-1)).toEqual({ LaunchConfigurationName: gone });
  });

  it("leaves to people what nobody can decide for them", async () => {
    const world = await createSwitch();
    world.sim.autoScaling.addGroup({ ...PLACE, name: "by-hand", tags: TAGS });

    const { found, removed } = await repair(world);

    expect(found.map(({ name, removable }) => [name, removable])).toEqual([
      ["by-hand", false],
      [world.oldGroup, false],
      [world.newGroup, false],
    ]);
    expect(removed).toEqual([]);
  });

  it("leaves alone what a running release does", async () => {
    const world = await createFailed();

    expect(await repair(world, { running: ["release-2"] })).toEqual({ found: [], removed: [], failed: [] });
  });

  it("removes the rest when something cannot be removed", async () => {
    const world = await createFailed();
    const gone = "org/shop-production-2025-01-01T00-00-00Z-web";
    world.sim.autoScaling.addLaunchConfiguration({ ...PLACE, name: gone });
    world.sim.once("AutoScaling.DeleteAutoScalingGroup", () =>
      Promise.reject(new SimFault("ScalingActivityInProgressFault", 400, "Busy.")),
    );

    expect(await repair(world)).toMatchObject({
      removed: [gone],
      failed: [{ name: world.newGroup, message: expect.stringContaining("Busy.") }],
    });
  });

  it("does not begin beside a release", async () => {
    const world = await createFailed();
    await world.memory.locks.acquire(world.now.release, "somebody");

    await expect(repair(world)).rejects.toMatchObject({ releaseCode: "LOCK_EXISTS" });
  });

  it("gives its locks back, also when it cannot look", async () => {
    const world = await createFailed();
    world.sim.once("AutoScaling.DescribeAutoScalingGroups", () =>
      Promise.reject(new SimFault("Throttling", 400, "Rate exceeded")),
    );

    await expect(repair(world)).rejects.toMatchObject({ releaseCode: "CLEAN_UP_FAILED" });
    expect(await repair(world, { uuid: "repair-2" })).toMatchObject({ removed: [world.newGroup] });
  });
});
