import { SimFault } from "@stackyard/aws-sim";
import { describe, expect, it } from "vitest";
import { aRelease, TARGET } from "../testing/builders.ts";
import { createSwitch, findOrphans, type Switch } from "../testing/release-world.ts";
import { cleanUpSuccess, detachForFailure, detachForSuccess } from "./detach.ts";
import {
  findLeftOvers,
  isNameOf,
  type RepairFacts,
  type RepairInput,
  type RepairOptions,
  type RepairResult,
  repairRelease,
  type StandingGroup,
} from "./repair.ts";

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
  it("changes nothing without confirmation, and takes no locks", async () => {
    const world = await createFailed();
    await world.memory.locks.acquire(world.now.release, "unknown");

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

  it("removes nothing of a group that one answer does not show", async () => {
    const world = await createSwitch();
    world.sim.once("AutoScaling.DescribeAutoScalingGroups", async () => ({ AutoScalingGroups: [] }));

    const result = await repair(world);

    expect(result.removed.filter((name) => name.startsWith(world.newGroup))).toEqual([]);
    expect(world.inputs("EC2.DeleteLaunchTemplate")).toEqual([]);
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

  it("leaves to people what cannot be decided automatically", async () => {
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

  it("does not start during a release", async () => {
    const world = await createFailed();
    await world.memory.locks.acquire(world.now.release, "unknown");

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

const NOW = Date.UTC(2026, 0, 2);

function aGroup(name: string, releaseId: string | undefined, over: Partial<StandingGroup> = {}): StandingGroup {
  const tags = { ServiceName: "web", ...(releaseId !== undefined && { ReleaseID: releaseId }), ...over.tags };
  return { name, desired: 1, attached: true, ...over, tags };
}

function find(facts: Partial<RepairFacts>, options: Partial<RepairOptions> = {}) {
  const none = { groups: [], templates: [], launchConfigurations: [], alarms: [], placementGroups: [] };
  return findLeftOvers({ ...none, ...facts }, { now: NOW, running: [], ...options });
}

function brief(facts: Partial<RepairFacts>, options: Partial<RepairOptions> = {}) {
  return find(facts, options).map(({ kind, name, removable }) => `${removable ? "remove" : "decide"} ${kind} ${name}`);
}

describe("findLeftOvers of groups", () => {
  it("finds nothing where one release serves", () => {
    expect(find({ groups: [aGroup("web", "release-2"), aGroup("api", "release-2")] })).toEqual([]);
  });

  it("takes the release without traffic for left over", () => {
    const groups = [aGroup("old", "release-1"), aGroup("new", "release-2", { attached: false })];

    expect(find({ groups })).toEqual([
      {
        kind: "group",
        name: "new",
        releaseId: "release-2",
        service: "web",
        removable: true,
        why: 'Release "release-1" serves, and this release is not running.',
      },
    ]);
  });

  it("takes all groups of a release together, also of services that the other one has not", () => {
    const worker = aGroup("new-worker", "release-2", { attached: false, tags: { ServiceName: "worker" } });
    const groups = [aGroup("old", "release-1"), aGroup("new", "release-2", { attached: false }), worker];

    expect(brief({ groups })).toEqual(["remove group new", "remove group new-worker"]);
  });

  it.each([true, false])("asks when traffic does not decide: both have it: %s", (attached) => {
    const groups = [aGroup("old", "release-1", { attached }), aGroup("new", "release-2", { attached })];

    expect(brief({ groups })).toEqual(["decide group new", "decide group old"]);
    expect(brief({ groups }, { keep: ["release-2"] })).toEqual(["remove group old"]);
  });

  it("leaves alone what a running release has made, and what it is about to replace", () => {
    const groups = [aGroup("old", "release-1"), aGroup("new", "release-2", { attached: false })];

    expect(find({ groups }, { running: ["release-2"] })).toEqual([]);
  });

  it("leaves alone what is being deleted", () => {
    const groups = [aGroup("old", "release-1"), aGroup("new", "release-2", { status: "Delete in progress" })];

    expect(find({ groups })).toEqual([]);
  });

  it.each([
    ["release", aGroup("web", undefined), "no tag ReleaseID"],
    ["service", aGroup("web", "release-1", { tags: { ServiceName: "" } }), "no tag ServiceName"],
  ])("reports a group without a %s, and lets people decide", (_, group, why) => {
    expect(find({ groups: [group] })).toMatchObject([{ removable: false, why: expect.stringContaining(why) }]);
  });

  it.each([
    ["2026-01-01T23:59:59.000Z", ["remove group old"]],
    ["2026-01-02T00:00:00.000Z", ["remove group old"]],
    ["2026-01-02T00:00:01.000Z", []],
    ["", ["remove group old"]],
  ])("has a group that was kept until %j", (until, found) => {
    const tags = { "stackyard:retired-at": "x", "stackyard:retired-until": until, "stackyard:retired-by": "release-2" };
    const groups = [aGroup("old", "release-1", { tags, attached: false }), aGroup("new", "release-2")];

    expect(brief({ groups })).toEqual(found);
  });
});

describe("findLeftOvers for resources that belong to groups", () => {
  const tags = { ReleaseID: "release-1", ServiceName: "web" };

  it("finds what no group uses", () => {
    const facts = {
      templates: [{ name: "gone", tags }],
      launchConfigurations: ["gone"],
      alarms: ["gone-cpu_scale_up"],
      placementGroups: [{ name: "rack", tags }],
    };

    expect(find(facts).map(({ kind, name, removable }) => ({ kind, name, removable }))).toEqual([
      { kind: "template", name: "gone", removable: true },
      { kind: "launch-configuration", name: "gone", removable: true },
      { kind: "alarm", name: "gone-cpu_scale_up", removable: true },
      { kind: "placement-group", name: "rack", removable: true },
    ]);
  });

  it("leaves what a group uses, also one that is being deleted", () => {
    const facts = {
      groups: [aGroup("web", "release-1", { status: "Delete in progress" })],
      templates: [{ name: "web", tags }],
      launchConfigurations: ["web"],
      alarms: ["web-cpu_scale_up"],
      placementGroups: [{ name: "rack", tags }],
    };

    expect(find(facts)).toEqual([]);
  });

  it("leaves what a running release makes before its groups", () => {
    const facts = {
      templates: [{ name: "web", tags: { ReleaseID: "release-2" } }],
      alarms: ["web-cpu_scale_up"],
      placementGroups: [{ name: "rack", tags: { ReleaseID: "release-2" } }],
    };

    expect(find(facts, { running: ["release-2"] })).toEqual([]);
  });

  it("leaves placement groups that no release has made", () => {
    expect(find({ placementGroups: [{ name: "rack", tags: {} }] })).toEqual([]);
  });
});

describe("isNameOf", () => {
  const of = { project_name: "org/shop", config_name: "prod" };

  it.each([
    ["org/shop-prod-2026-01-01T00-00-00Z-web", true],
    ["org/shop-prod-2026-01-01T00-00-00Z-web-cpu_scale_up", true],
    ["org/shop-prod-eu-2026-01-01T00-00-00Z-web", false],
    ["org/shop-production-2026-01-01T00-00-00Z-web", false],
    ["org/shop-prod-web", false],
    ["org/shop2-prod-2026-01-01T00-00-00Z-web", false],
  ])("%s: %s", (name, is) => {
    expect(isNameOf(name, of)).toBe(is);
  });
});
