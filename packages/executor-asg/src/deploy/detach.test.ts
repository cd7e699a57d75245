import { AutoScalingClient, UpdateAutoScalingGroupCommand } from "@aws-sdk/client-auto-scaling";
import { SimFault } from "@stackyard/aws-sim";
import { describe, expect, it } from "vitest";
import { PRESETS } from "../presets.ts";
import { anAlarmPolicy, anAutoscaling, TARGET } from "../testing/builders.ts";
import { createSwitch, findOrphans, type Switch, type SwitchInput } from "../testing/release-world.ts";
import { cleanUpFailure, cleanUpSuccess, detachForFailure, detachForSuccess } from "./detach.ts";

const PLACE = { account: TARGET.account, region: TARGET.region };
/** As long as the target group lets connections live, and a little. */
const DRAIN_SECONDS = 305;

function detached(world: Switch): readonly string[] {
  const calls = ["AutoScaling.DetachLoadBalancers", "AutoScaling.DetachLoadBalancerTargetGroups"];
  return calls.flatMap((call) => world.inputs(call)).map(({ AutoScalingGroupName }) => String(AutoScalingGroupName));
}

/** A switch whose old group never lets go. */
async function createStuck(input: SwitchInput = {}): Promise<Switch> {
  const world = await createSwitch(input);
  const state = { LoadBalancerTargetGroups: [{ LoadBalancerTargetGroupARN: world.targetGroup, State: "Removing" }] };
  for (let call = 0; call < 100; call += 1) {
    world.sim.once("AutoScaling.DescribeLoadBalancerTargetGroups", async () => state);
  }
  return world;
}

describe("detachForSuccess", () => {
  it("takes the old group from all its load balancers, and is tried again until it is out", async () => {
    const world = await createSwitch();

    await expect(world.run(detachForSuccess)).rejects.toMatchObject({
      errorClass: "DetachError",
      message: `Not detached yet: "${world.oldGroup}" is still Removing in ${world.targetGroup}.`,
    });
    await world.pass(DRAIN_SECONDS);
    const state = await world.run(detachForSuccess);

    expect(state).toEqual({ ...world.now.state, old_groups: [world.oldGroup] });
    expect(detached(world)).toEqual([world.oldGroup, world.oldGroup]);
  });

  it("does nothing when there was no earlier release", async () => {
    const world = await createSwitch({ tags: { ConfigName: "staging" } });

    expect(await world.run(detachForSuccess)).toBe(world.now.state);
    expect(detached(world)).toEqual([]);
  });

  it.each([
    ["SkipDetach", []],
    ["SkipDetachCheck", ["old", "old"]],
  ] as const)("does not wait with %s", async (detach_strategy, groups) => {
    const world = await createSwitch({ release: { detach_strategy } });

    await world.run(detachForSuccess);

    expect(detached(world)).toEqual(groups.map(() => world.oldGroup));
    expect(world.inputs("AutoScaling.DescribeLoadBalancers")).toEqual([]);
  });

  it("leaves a group without a release alone, and says so", async () => {
    const world = await createSwitch();
    world.sim.autoScaling.addGroup({
      ...PLACE,
      name: "by-hand",
      targetGroups: [world.targetGroup],
      tags: { ProjectName: "org/shop", ConfigName: "production", ServiceName: "web" },
    });

    await world.run(detachForSuccess).catch(() => undefined);

    expect(new Set(detached(world))).toEqual(new Set([world.oldGroup]));
    expect(world.lines).toContain('group by-hand has no release id and is not changed; see "stackyard asg repair"');
  });

  it("leaves the group of a newer release alone", async () => {
    const world = await createSwitch({ tags: { "stackyard:fencing-token": "8" } });

    await world.run(detachForSuccess);

    expect(detached(world)).toEqual([]);
  });

  it("continues with the other groups when one fails", async () => {
    const world = await createSwitch();
    world.sim.autoScaling.addGroup({
      ...PLACE,
      name: "org/shop-a",
      targetGroups: [world.targetGroup],
      tags: { ProjectName: "org/shop", ConfigName: "production", ServiceName: "worker", ReleaseID: "release-0" },
    });
    const denied = () => Promise.reject(new SimFault("AccessDenied", 403, "Not you."));
    world.sim.once("AutoScaling.DetachLoadBalancerTargetGroups", denied);

    await expect(world.run(detachForSuccess)).rejects.toMatchObject({
      errorClass: "DetachError",
      message: expect.stringContaining('Group "org/shop-a" cannot be detached. AccessDenied: Not you.'),
    });
    expect(detached(world)).toEqual([world.oldGroup, world.oldGroup]);
  });
});

describe("detachForSuccess of an unhealthy new group", () => {
  it("leaves the old one its traffic until the new one is healthy", async () => {
    const world = await createSwitch({ isHealthy: false });

    await expect(world.run(detachForSuccess)).rejects.toMatchObject({
      errorClass: "DetachError",
      message: 'Service "web" has 0 of 2 healthy instances. The old groups keep their traffic.',
    });
    expect(detached(world)).toEqual([]);
    await world.pass(60);
    await world.run(detachForSuccess).catch(() => undefined);

    expect(detached(world)).toHaveLength(2);
  });

  it("continues when a policy has scaled the new group in since it was healthy, but not when servers have died", async () => {
    const world = await createSwitch({ service: { autoscaling: anAutoscaling({ min_size: 1, max_size: 4 }) } });
    world.sim.autoScaling.setDesired({ ...PLACE, name: world.newGroup }, 1);
    await world.pass(60);

    await expect(world.run(detachForSuccess)).rejects.toMatchObject({
      message: expect.stringMatching(/^Not detached/),
    });
    expect(detached(world)).toHaveLength(2);

    await world.pass(DRAIN_SECONDS);
    expect(await world.run(cleanUpSuccess)).toMatchObject({ success: true });
  });

  it("requires at least the minimum of the document, however small the group was created", async () => {
    const world = await createSwitch();
    const group = { ...PLACE, name: world.newGroup };
    await world.deps.target
      .client(AutoScalingClient)
      .send(new UpdateAutoScalingGroupCommand({ AutoScalingGroupName: group.name, MinSize: 0, DesiredCapacity: 0 }));
    await world.pass(60);

    await expect(world.run(detachForSuccess)).rejects.toMatchObject({
      message: 'Service "web" has 0 of 2 healthy instances. The old groups keep their traffic.',
    });
  });

  it("takes a group that cannot be read for unhealthy", async () => {
    const world = await createSwitch();
    world.sim.once("ElasticLoadBalancingV2.DescribeTargetHealth", () =>
      Promise.reject(new SimFault("Throttling", 400, "Rate exceeded")),
    );

    await expect(world.run(detachForSuccess)).rejects.toMatchObject({ errorClass: "DetachError" });
    expect(detached(world)).toEqual([]);
  });
});

describe("detachForSuccess of an old group that never lets go", () => {
  it("is tried as often as the table says, as with the predecessor", async () => {
    const world = await createStuck();

    for (let attempt = 0; attempt < 61; attempt += 1) {
      await expect(world.run(detachForSuccess)).rejects.toMatchObject({ errorClass: "DetachError" });
      await world.pass(10);
    }
    expect(world.inputs("AutoScaling.CreateOrUpdateTags")).toEqual([]);
  });

  it("lasts as long as the release configures, within the retries of the table", async () => {
    const world = await createStuck({ release: { drain_timeout: 3_600 } });
    const began = world.clock.now();
    let tries = 0;
    let isOver = false;
    while (!isOver) {
      const state = await world.until(world.run(detachForSuccess)).catch(() => undefined);
      isOver = state !== undefined;
      tries += 1;
      await world.pass(10);
    }

    expect(tries).toBeLessThanOrEqual(61);
    expect(world.clock.now() - began).toBeGreaterThanOrEqual(3_600_000);
  });

  it.each(["delete", "fail"] as const)("ends after its own time, and the clean-up will %s", async (action) => {
    const world = await createStuck({ release: { drain_timeout: 30, drain_timeout_action: action } });
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await expect(world.run(detachForSuccess)).rejects.toMatchObject({ errorClass: "DetachError" });
      await world.pass(10);
    }

    const { later_errors } = await world.run(detachForSuccess);
    const cleanUp = world.run(cleanUpSuccess);

    expect(later_errors).toEqual([
      { Error: "DetachError", Cause: expect.stringMatching(/^After 30 s \("drain_timeout"\), .* is still Removing/) },
    ]);
    if (action === "delete") await cleanUp;
    else await expect(cleanUp).rejects.toMatchObject({ errorClass: "CleanUpError" });
    expect(world.standing().includes(world.oldGroup)).toBe(action === "fail");
  });
});

describe("detachForSuccess with hooks to drain", () => {
  it("lets the end of servers be answered before their group is deleted", async () => {
    const world = await createSwitch({ release: { drain_hooks: true }, hookSeconds: 120 });
    await world.run(detachForSuccess).catch(() => undefined);
    expect(world.inputs("AutoScaling.UpdateAutoScalingGroup")).toEqual([]);
    await world.pass(DRAIN_SECONDS);

    await expect(world.run(detachForSuccess)).rejects.toMatchObject({
      message: `Not detached yet: "${world.oldGroup}" still has 2 instances.`,
    });
    await world.pass(60);
    await expect(world.run(detachForSuccess)).rejects.toMatchObject({ errorClass: "DetachError" });
    await world.pass(200);
    await world.run(detachForSuccess);

    expect(world.inputs("AutoScaling.UpdateAutoScalingGroup")).toEqual([
      { AutoScalingGroupName: world.oldGroup, MinSize: 0, DesiredCapacity: 0 },
    ]);
  });

  it("has nothing to wait for without such hooks", async () => {
    const world = await createSwitch({ release: { drain_hooks: true } });
    await world.run(detachForSuccess).catch(() => undefined);
    await world.pass(DRAIN_SECONDS);

    await world.run(detachForSuccess);

    expect(world.inputs("AutoScaling.UpdateAutoScalingGroup")).toEqual([]);
  });

  it("leaves hooks to Auto Scaling where the release does not ask, as the predecessor", async () => {
    const world = await createSwitch({ hookSeconds: 120 });
    await world.run(detachForSuccess).catch(() => undefined);
    await world.pass(DRAIN_SECONDS);

    await world.run(detachForSuccess);

    expect(world.inputs("AutoScaling.DescribeLifecycleHooks")).toEqual([]);
  });
});

describe("detachForSuccess of an old group that has grown", () => {
  const autoscaling = anAutoscaling({ min_size: 2, max_size: 6 });

  it("makes the new one as large before traffic moves, where the release keeps what was scaled", async () => {
    const world = await createSwitch({ release: { keep_scaled_capacity: true }, service: { autoscaling } });
    world.sim.autoScaling.setDesired({ ...PLACE, name: world.oldGroup }, 4);

    const error = await world.run(detachForSuccess).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ message: expect.stringContaining('"web" has 2 of 4 healthy instances') });
    expect(error).toMatchObject({ partial: { services: { web: { previous_desired_capacity: 4 } } } });
    expect(detached(world)).toEqual([]);
    await world.pass(120);
    await world.run(detachForSuccess).catch(() => undefined);

    expect(detached(world)).toHaveLength(2);
    expect(world.inputs("AutoScaling.UpdateAutoScalingGroup")).toEqual([
      { AutoScalingGroupName: world.newGroup, MinSize: 2, DesiredCapacity: 4 },
    ]);
  });

  it("does not look otherwise, as the predecessor", async () => {
    const world = await createSwitch({ service: { autoscaling } });
    world.sim.autoScaling.setDesired({ ...PLACE, name: world.oldGroup }, 4);

    await world.run(detachForSuccess).catch(() => undefined);

    expect(world.inputs("AutoScaling.UpdateAutoScalingGroup")).toEqual([]);
    expect(detached(world)).toHaveLength(2);
  });
});

describe("detachForSuccess of a group that is kept", () => {
  it("records how the group serves before it detaches it, once", async () => {
    const world = await createSwitch({ release: { rollback_window: 3_600 } });
    await world.run(detachForSuccess).catch(() => undefined);
    await world.pass(DRAIN_SECONDS);

    await world.run(detachForSuccess);

    expect(world.inputs("AutoScaling.CreateOrUpdateTags")).toHaveLength(1);
    expect(world.sim.autoScaling.findGroup({ ...PLACE, name: world.oldGroup })?.tags).toMatchObject({
      "stackyard:retired-capacity": "2/2",
      "stackyard:retired-traffic": expect.stringMatching(/^elb\/web targetgroup\/web\/[0-9a-f]+$/),
    });
  });
});

describe("detachForFailure", () => {
  it("takes the new group from its load balancers, leaves the old one, and waits for nothing", async () => {
    const world = await createSwitch();

    expect(await world.run(detachForFailure)).toBe(world.now.state);
    expect(detached(world)).toEqual([world.newGroup, world.newGroup]);
  });

  it("leaves even that with SkipDetach", async () => {
    const world = await createSwitch({ release: { detach_strategy: "SkipDetach" } });

    await world.run(detachForFailure);

    expect(detached(world)).toEqual([]);
  });

  it("has a DetachError for what AWS refuses", async () => {
    const world = await createSwitch();
    world.sim.once("AutoScaling.DescribeAutoScalingGroups", () =>
      Promise.reject(new SimFault("Throttling", 400, "Rate exceeded")),
    );

    await expect(world.run(detachForFailure)).rejects.toMatchObject({ releaseCode: "DETACH_FAILED" });
  });
});

const policies = [anAlarmPolicy(), anAlarmPolicy({ type: "cpu_scale_down" })];
const autoscaling = anAutoscaling({ min_size: 2, max_size: 4, policies });
const denied = () => Promise.reject(new SimFault("AccessDenied", 403, "Not you."));

/** A switch whose old group has lost its traffic, with the locks. */
async function createDetached(input: SwitchInput = {}): Promise<Switch> {
  const world = await createSwitch({ service: { autoscaling }, ...input });
  await world.memory.locks.acquire(world.now.release, world.now.state.uuid);
  await world.run(detachForSuccess).catch(() => undefined);
  await world.pass(DRAIN_SECONDS);
  await world.run(detachForSuccess);
  return world;
}

describe("cleanUpSuccess", () => {
  it("deletes the old group with its alarms and its launch configuration, and leaves the new one", async () => {
    const world = await createDetached();

    const state = await world.run(cleanUpSuccess);

    expect(state.success).toBe(true);
    expect(world.standing()).toEqual([world.newGroup]);
    expect(world.inputs("CloudWatch.DeleteAlarms")).toEqual([{ AlarmNames: [`${world.oldGroup}-cpu_scale_up`] }]);
    expect(world.inputs("AutoScaling.DeleteAutoScalingGroup")).toEqual([
      { AutoScalingGroupName: world.oldGroup, ForceDelete: true },
    ]);
    expect(world.inputs("AutoScaling.DeleteLaunchConfiguration")).toEqual([
      { LaunchConfigurationName: world.oldGroup },
    ]);
    expect(await findOrphans(world)).toEqual([]);
  });

  it("gives the locks back, after all else", async () => {
    const world = await createDetached();
    const { release, state } = world.now;
    let standing: readonly string[] = [];
    const locks = {
      ...world.memory.locks,
      async release() {
        standing = world.standing();
      },
    };
    const deps = { ...world.deps, memory: { ...world.memory, locks } };

    await cleanUpSuccess(deps, { release, state });

    expect(standing).toEqual([world.newGroup]);
    expect(world.memory.answers).toEqual([{ outcome: "too-late", reason: "The release had succeeded." }]);
  });

  it("takes the spread back from the new group", async () => {
    const world = await createDetached({ service: { autoscaling: { ...autoscaling, spread: 0.5 } } });

    await world.run(cleanUpSuccess);

    expect(world.inputs("AutoScaling.UpdateAutoScalingGroup")).toEqual([
      { AutoScalingGroupName: world.newGroup, MinSize: 2, DesiredCapacity: 2 },
    ]);
  });

  it("leaves the capacities of the first generation as they are", async () => {
    const constants = PRESETS["step-asg-deployer"];
    const world = await createDetached({
      service: { autoscaling: { ...autoscaling, spread: 0.5 } },
      world: { constants },
    });

    await world.run(cleanUpSuccess);

    expect(world.inputs("AutoScaling.UpdateAutoScalingGroup")).toEqual([]);
  });

  it("leaves what a policy has raised, where the release keeps it", async () => {
    const world = await createDetached({ release: { keep_scaled_capacity: true } });
    world.sim.autoScaling.setDesired({ ...PLACE, name: world.newGroup }, 4);
    await world.pass(60);

    await world.run(cleanUpSuccess);

    expect(world.inputs("AutoScaling.UpdateAutoScalingGroup")).toEqual([]);
  });

  it("succeeds though a capacity cannot be reset, and says so", async () => {
    const world = await createDetached({ service: { autoscaling: { ...autoscaling, spread: 0.5 } } });
    world.sim.once("AutoScaling.UpdateAutoScalingGroup", denied);

    expect(await world.run(cleanUpSuccess)).toMatchObject({ success: true });
    expect(world.lines.at(-1)).toBe("web: the desired capacity still includes the spread");
  });

  it("makes no call for alarms where an old group has none", async () => {
    const world = await createDetached();
    world.sim.once("AutoScaling.DescribePolicies", async () => ({ ScalingPolicies: [] }));

    await world.run(cleanUpSuccess);

    expect(world.inputs("CloudWatch.DeleteAlarms")).toEqual([]);
  });

  it("deletes the other alarms when one is already gone", async () => {
    const world = await createDetached();
    const Alarms = ["gone", "cpu_scale_up"].map((type) => ({ AlarmName: `${world.oldGroup}-${type}` }));
    world.sim.once("AutoScaling.DescribePolicies", async () => ({ ScalingPolicies: [{ Alarms }] }));
    const gone = () => Promise.reject(new SimFault("ResourceNotFound", 404, "gone"));
    world.sim.once("CloudWatch.DeleteAlarms", gone);

    await world.run(cleanUpSuccess);

    expect(world.sim.cloudWatch.findAlarms(TARGET.account, TARGET.region).map(({ name }) => name)).not.toContain(
      `${world.oldGroup}-cpu_scale_up`,
    );
  });

  it("deletes two hundred alarms, a hundred at a time", async () => {
    const world = await createDetached();
    const Alarms = Array.from({ length: 200 }, (_, at) => ({ AlarmName: `${world.oldGroup}-${at}` }));
    for (const { AlarmName: name } of Alarms) world.sim.cloudWatch.addAlarm({ ...PLACE, name });
    world.sim.once("AutoScaling.DescribePolicies", async () => ({ ScalingPolicies: [{ Alarms }] }));

    await world.run(cleanUpSuccess);

    const calls = world.inputs("CloudWatch.DeleteAlarms").map(({ AlarmNames }) => Object(AlarmNames).length);
    expect(calls).toEqual([100, 100]);
  });

  it("leaves the alarms that Auto Scaling keeps itself", async () => {
    const world = await createDetached();
    const Alarms = [{ AlarmName: "TargetTracking-web-AlarmHigh-1" }];
    world.sim.once("AutoScaling.DescribePolicies", async () => ({ ScalingPolicies: [{ Alarms }] }));

    await world.run(cleanUpSuccess);

    expect(world.inputs("CloudWatch.DeleteAlarms")).toEqual([]);
  });
});

describe("cleanUpSuccess of the first generation", () => {
  const world = { constants: PRESETS["step-asg-deployer"] };

  it("takes the old group from its load balancers itself, and waits for nothing", async () => {
    const switched = await createSwitch({ world });

    await switched.run(cleanUpSuccess);

    const detached = switched.inputs("AutoScaling.DetachLoadBalancerTargetGroups");
    expect(detached).toEqual([{ AutoScalingGroupName: switched.oldGroup, TargetGroupARNs: [switched.targetGroup] }]);
    expect(switched.standing()).toEqual([switched.newGroup]);
  });

  it("deletes it though that was rejected", async () => {
    const switched = await createSwitch({ world });
    switched.sim.once("AutoScaling.DetachLoadBalancers", denied);

    await switched.run(cleanUpSuccess);

    expect(switched.standing()).toEqual([switched.newGroup]);
  });
});

describe("cleanUpSuccess by a role of the predecessor", () => {
  it("succeeds, and reports what it may not search for", async () => {
    const world = await createDetached();
    world.sim.once("EC2.DescribeLaunchTemplates", denied);
    world.sim.once("AutoScaling.DescribeLaunchConfigurations", denied);

    expect(await world.run(cleanUpSuccess)).toMatchObject({ success: true });
    expect(world.lines.filter((line) => line.startsWith("left behind: "))).toHaveLength(2);
  });
});

describe("cleanUpSuccess that must not delete", () => {
  it("leaves the old group while the new one is unhealthy", async () => {
    const world = await createDetached();
    world.sim.once("ElasticLoadBalancingV2.DescribeTargetHealth", async () => ({ TargetHealthDescriptions: [] }));

    await expect(world.run(cleanUpSuccess)).rejects.toMatchObject({
      errorClass: "CleanUpError",
      message: 'Service "web" has 0 of 2 healthy instances. The old groups were not deleted. Decide which to keep.',
    });
    expect(world.standing()).toContain(world.oldGroup);
    await world.run(cleanUpSuccess);

    expect(world.standing()).toEqual([world.newGroup]);
  });

  it("leaves groups of a newer release, though the locks were lost", async () => {
    const world = await createDetached();
    const name = "org/shop-production-2026-01-02T00-00-00Z-web";
    world.sim.autoScaling.addGroup({
      ...PLACE,
      name,
      tags: {
        ProjectName: "org/shop",
        ConfigName: "production",
        ServiceName: "web",
        ReleaseID: "release-3",
        "stackyard:fencing-token": "8",
      },
    });

    await world.run(cleanUpSuccess);

    expect(world.standing()).toEqual([world.newGroup, name]);
  });
});

describe("cleanUpSuccess that keeps the old group", () => {
  it("marks it and leaves its servers, when it has lost its traffic", async () => {
    const world = await createDetached({ release: { rollback_window: 3_600 } });

    await world.run(cleanUpSuccess);

    const old = world.sim.autoScaling.findGroup({ ...PLACE, name: world.oldGroup });
    expect(old).toMatchObject({ desired: 2, isDeleting: false });
    expect(old?.tags).toMatchObject({
      "stackyard:retired-at": new Date(world.clock.now()).toISOString(),
      "stackyard:retired-until": new Date(world.clock.now() + 3_600_000).toISOString(),
      "stackyard:retired-by": "release-2",
    });
    expect(world.inputs("AutoScaling.DeleteAutoScalingGroup")).toEqual([]);
  });

  it("takes its traffic away where the release has skipped that", async () => {
    const world = await createSwitch({ release: { rollback_window: 3_600, detach_strategy: "SkipDetach" } });

    await world.run(cleanUpSuccess);

    expect(world.inputs("AutoScaling.DetachLoadBalancerTargetGroups")).toMatchObject([
      { AutoScalingGroupName: world.oldGroup },
    ]);
    expect(world.sim.autoScaling.findGroup({ ...PLACE, name: world.oldGroup })?.tags).toMatchObject({
      "stackyard:retired-capacity": "2/2",
      "stackyard:retired-traffic": expect.stringContaining("elb/web"),
    });
  });

  it("ends the servers of a group that works without load balancers", async () => {
    const world = await createSwitch({ release: { rollback_window: 3_600 } });
    const name = "org/shop-production-2025-12-31T00-00-00Z-worker";
    const tags = { ProjectName: "org/shop", ConfigName: "production", ServiceName: "worker", ReleaseID: "release-1" };
    world.sim.autoScaling.addGroup({ ...PLACE, name, desired: 3, min: 1, tags });

    await world.run(cleanUpSuccess);

    expect(world.sim.autoScaling.findGroup({ ...PLACE, name })).toMatchObject({
      min: 0,
      desired: 0,
      tags: { "stackyard:retired-capacity": "1/3" },
    });
  });

  it("deletes what an earlier release has kept", async () => {
    const tags = { "stackyard:retired-at": "2025-12-30T00:00:00.000Z", "stackyard:retired-by": "release-1" };
    const world = await createSwitch({ release: { rollback_window: 3_600 } });
    const name = "org/shop-production-2025-12-30T00-00-00Z-web";
    const own = { ProjectName: "org/shop", ConfigName: "production", ServiceName: "web", ReleaseID: "release-0" };
    world.sim.autoScaling.addGroup({ ...PLACE, name, tags: { ...own, ...tags } });

    await world.run(cleanUpSuccess);

    expect(world.standing()).not.toContain(name);
    expect(world.standing()).toContain(world.oldGroup);
  });
});

describe("cleanUpFailure", () => {
  it("deletes all that the release has made, and leaves the old group", async () => {
    const world = await createSwitch({ service: { autoscaling }, isHealthy: false });

    const state = await world.run(cleanUpFailure);

    expect(state.success).toBe(false);
    expect(world.standing()).toEqual([world.oldGroup]);
    expect(await findOrphans(world)).toEqual([]);
  });

  it("finds a template and alarms that no group leads to", async () => {
    const world = await createSwitch({ service: { autoscaling }, isHealthy: false });
    world.sim.once("AutoScaling.DescribePolicies", async () => ({ ScalingPolicies: [] }));
    world.sim.once("AutoScaling.DescribeAutoScalingGroups", async () => ({ AutoScalingGroups: [] }));

    await world.run(cleanUpFailure);

    expect(world.inputs("EC2.DeleteLaunchTemplate")).toHaveLength(1);
    expect(world.sim.cloudWatch.findAlarms(TARGET.account, TARGET.region).map(({ name }) => name)).toEqual([
      `${world.oldGroup}-cpu_scale_up`,
    ]);
  });

  it("does not give the locks back: the state after it does", async () => {
    const world = await createSwitch();
    await world.memory.locks.acquire(world.now.release, world.now.state.uuid);

    await world.run(cleanUpFailure);

    expect(await world.memory.locks.renew(world.now.release, world.now.state.uuid)).toBe("held");
  });

  it("deletes a placement group that it has made, unless servers are still in it", async () => {
    const placed = {
      placement_group_name: "odin/org/shop/production/rack",
      placement_group_strategy: "spread",
    } as const;
    const world = await createSwitch({ service: { autoscaling, ...placed }, isHealthy: false });

    await world.run(cleanUpFailure);
    const { inputs } = world;

    expect(inputs("EC2.DeletePlacementGroup")).toEqual([{ GroupName: placed.placement_group_name }]);
  });
});
