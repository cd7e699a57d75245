import { AutoScalingClient, UpdateAutoScalingGroupCommand } from "@aws-sdk/client-auto-scaling";
import { SimFault } from "@stackyard/aws-sim";
import { describe, expect, it } from "vitest";
import { anAutoscaling, TARGET } from "../testing/a-release.ts";
import { createSwitch, type Switch, type SwitchInput } from "../testing/a-switch.ts";
import { cleanUpSuccess } from "./clean-up.ts";
import { detachForFailure, detachForSuccess } from "./detach.ts";

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

  it("does nothing where there was no release before", async () => {
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
    expect(world.lines).toContain('group by-hand is of no release: left as it is, see "stackyard release repair"');
  });

  it("leaves the group of a newer release alone", async () => {
    const world = await createSwitch({ tags: { "stackyard:fencing-token": "8" } });

    await world.run(detachForSuccess);

    expect(detached(world)).toEqual([]);
  });

  it("goes on with the other groups when one fails", async () => {
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
      message: expect.stringContaining('Group "org/shop-a" was not detached. AccessDenied: Not you.'),
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

  it("goes on where a policy has scaled the new group in since it was healthy, not where servers have died", async () => {
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

  it("asks for no fewer than the minimum of the document, however small the group was made", async () => {
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

  it("lasts as long as the release says, within the tries of the table", async () => {
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
  it("notes how the group serves before it takes that away, once", async () => {
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
