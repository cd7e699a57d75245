import { SimFault } from "@stackyard/aws-sim";
import { describe, expect, it } from "vitest";
import type { ReleaseDeps } from "../release-deps.ts";
import { cleanUpSuccess } from "../tasks/clean-up.ts";
import { detachForSuccess } from "../tasks/detach.ts";
import { retireKept } from "../tasks/retire-kept.ts";
import { aRelease, TARGET } from "../testing/a-release.ts";
import { createSwitch, type Switch, type SwitchInput } from "../testing/a-switch.ts";
import { findOrphans } from "../testing/find-orphans.ts";
import { cancelRollback, pollRollback } from "./poll-rollback.ts";
import { rollbackRelease } from "./rollback-release.ts";
import type { RollbackStep } from "./rollback-step.ts";

const PLACE = { account: TARGET.account, region: TARGET.region };
const { aws_account_id, project_name, config_name } = aRelease();
const input = { at: { aws_account_id, project_name, config_name }, uuid: "rollback-1" };
const denied = () => Promise.reject(new SimFault("AccessDenied", 403, "Not you."));

/** A release that has succeeded. */
async function createReleased(over: SwitchInput = {}): Promise<Switch> {
  const world = await createSwitch({ release: { rollback_window: 3_600 }, ...over });
  await world.run(detachForSuccess).catch(() => undefined);
  await world.pass(305);
  await world.run(detachForSuccess);
  await world.run(cleanUpSuccess);
  await world.pass(60);
  return world;
}

/** To its end, in virtual time; at most a day. */
async function finish(world: Switch, step: RollbackStep, deps: ReleaseDeps = world.deps): Promise<RollbackStep> {
  let now = step;
  for (let poll = 0; now.kind === "running" && poll < 6_000; poll += 1) {
    await world.pass(now.waitSeconds);
    now = await pollRollback(deps, input, now.progress);
  }
  return now;
}

function traffic(world: Switch, name: string): number {
  const attached = world.sim.calls.filter(({ input: given }) => given["AutoScalingGroupName"] === name);
  const count = (operation: string) => attached.filter((call) => call.operation.includes(operation)).length;
  return count(".Attach") - count(".Detach");
}

describe("a rollback to groups that were kept", () => {
  it("gives them their traffic, waits until they are healthy, and deletes the release that it leaves", async () => {
    const world = await createReleased();

    const begun = await rollbackRelease(world.deps, input);
    const ended = await finish(world, begun);

    expect(begun).toMatchObject({
      kind: "running",
      waitSeconds: 15,
      progress: { phase: "healing", releaseId: "release-2", previousReleaseId: "release-1", left: [world.newGroup] },
    });
    expect(ended).toEqual({ kind: "succeeded", releaseId: "release-1", groups: [world.oldGroup] });
    expect(world.standing()).toEqual([world.oldGroup]);
    expect(Object.keys(world.sim.autoScaling.findGroup({ ...PLACE, name: world.oldGroup })?.tags ?? {})).toEqual([
      ...["ProjectName", "ConfigName", "ServiceName", "ReleaseID"],
    ]);
    expect(await findOrphans(world)).toEqual([]);
    expect(await world.memory.locks.renew({ ...input.at, release_id: input.uuid }, input.uuid)).not.toBe("held");
  });

  it("leaves the release its traffic until they are healthy", async () => {
    const world = await createReleased();
    const begun = await rollbackRelease(world.deps, input);
    world.sim.once("ElasticLoadBalancingV2.DescribeTargetHealth", async () => ({ TargetHealthDescriptions: [] }));
    if (begun.kind !== "running") throw new Error(begun.kind);

    const step = await pollRollback(world.deps, input, begun.progress);

    expect(step).toMatchObject({
      message: `Not healthy yet: "${world.oldGroup}" has 0 of 2 healthy instances.`,
      progress: { phase: "healing" },
    });
    expect(traffic(world, world.newGroup)).toBe(0);
  });

  it("gives up when they do not become healthy in time, and all is as before", async () => {
    const world = await createReleased();
    const sick = async () => ({ TargetHealthDescriptions: [] });
    for (let look = 0; look < 60; look += 1) world.sim.once("ElasticLoadBalancingV2.DescribeTargetHealth", sick);

    const ended = await finish(world, await rollbackRelease(world.deps, input));

    expect(ended).toMatchObject({
      kind: "failed",
      code: "RELEASE_TIMED_OUT",
      dirty: false,
      message: `Timeout: Halting Release; "${world.oldGroup}" has 0 of 2 healthy instances. Release "release-2" runs as before, and the old groups are kept.`,
    });
    expect(world.standing()).toEqual([world.oldGroup, world.newGroup].toSorted());
    expect([traffic(world, world.newGroup), traffic(world, world.oldGroup)]).toEqual([0, -2]);
    expect(world.sim.autoScaling.findGroup({ ...PLACE, name: world.oldGroup })?.tags).toHaveProperty([
      "stackyard:retired-at",
    ]);
  });

  it.each(["an order", "a cancel"])("gives up by %s while nothing has moved", async (how) => {
    const world = await createReleased();
    const begun = await rollbackRelease(world.deps, input);
    if (begun.kind !== "running") throw new Error(begun.kind);
    world.memory.halts.push({ kind: "release", message: "No.", at: world.clock.now() });

    const step =
      how === "an order"
        ? await pollRollback(world.deps, input, begun.progress)
        : await cancelRollback(world.deps, input, begun.progress, "No.");

    expect(step).toMatchObject({ kind: "failed", code: "RELEASE_HALTED", message: expect.stringMatching(/^No\./) });
    expect(traffic(world, world.oldGroup)).toBe(-2);
  });

  it("goes on to its end when it is cancelled after traffic has moved", async () => {
    const world = await createReleased();
    let step = await rollbackRelease(world.deps, input);
    while (step.kind === "running" && step.progress.phase === "healing") {
      step = await pollRollback(world.deps, input, step.progress);
    }
    if (step.kind !== "running") throw new Error(step.kind);

    const next = await cancelRollback(world.deps, input, step.progress, "Stop.");

    expect(await finish(world, next)).toMatchObject({ kind: "succeeded" });
  });

  it("never deletes the release that it leaves while they are unhealthy, and fails dirty after an hour", async () => {
    const world = await createReleased();
    let step = await rollbackRelease(world.deps, input);
    while (step.kind === "running" && step.progress.phase === "healing") {
      step = await pollRollback(world.deps, input, step.progress);
    }
    const sick = async () => ({ TargetHealthDescriptions: [] });
    for (let look = 0; look < 300; look += 1) world.sim.once("ElasticLoadBalancingV2.DescribeTargetHealth", sick);

    expect(await finish(world, step)).toMatchObject({ kind: "failed", code: "HEALTH_CHECK_FAILED", dirty: true });
    expect(world.standing()).toEqual([world.oldGroup, world.newGroup].toSorted());
  });

  it("takes the traffic away again where it could not begin for all", async () => {
    const world = await createReleased();
    world.sim.once("AutoScaling.AttachLoadBalancerTargetGroups", denied);

    expect(await rollbackRelease(world.deps, input)).toMatchObject({
      kind: "failed",
      code: "DEPLOY_FAILED",
      dirty: false,
      message: expect.stringContaining("AccessDenied: Not you."),
    });
    expect(world.inputs("AutoScaling.DetachLoadBalancers").at(-1)).toMatchObject({
      AutoScalingGroupName: world.oldGroup,
    });
  });

  it("brings the servers back of a group that works without load balancers", async () => {
    const world = await createSwitch({ release: { rollback_window: 3_600 } });
    const name = "org/shop-production-2025-12-31T00-00-00Z-worker";
    const tags = { ProjectName: "org/shop", ConfigName: "production", ServiceName: "worker", ReleaseID: "release-1" };
    world.sim.autoScaling.addGroup({ ...PLACE, name, desired: 3, min: 1, max: 3, tags });
    await world.run(cleanUpSuccess);
    await world.pass(120);

    const ended = await finish(world, await rollbackRelease(world.deps, input));

    expect(ended).toMatchObject({ kind: "succeeded" });
    expect(world.sim.autoScaling.findGroup({ ...PLACE, name })).toMatchObject({ min: 1, desired: 3 });
  });

  it("tells once more that it has ended", async () => {
    const world = await createReleased();
    let last: RollbackStep = await rollbackRelease(world.deps, input);
    let progress = last.kind === "running" ? last.progress : undefined;
    while (last.kind === "running") {
      progress = last.progress;
      await world.pass(last.waitSeconds);
      last = await pollRollback(world.deps, input, last.progress);
    }
    const locks = { ...world.memory.locks, renew: async () => "released" as const };
    const deps = { ...world.deps, memory: { ...world.memory, locks } };
    if (progress === undefined) throw new Error("It never ran.");

    expect(await pollRollback(deps, input, progress)).toEqual(last);
  });
});

describe("a rollback without kept groups", () => {
  it("gives the document from before as a new release, and the locks back", async () => {
    const world = await createReleased({ release: {} });
    world.memory.documents.set("release-1", { release_id: "release-1", created_at: "x", ami: "ami-1" });
    world.memory.userData.set("release-1", "#!/bin/sh");

    const step = await rollbackRelease(world.deps, input);

    expect(step).toEqual({
      kind: "redeploy",
      document: {
        release_id: expect.stringMatching(/^release-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ-[a-z]{7}$/),
        created_at: new Date(world.clock.now()).toISOString(),
        ami: "ami-1",
      },
      userData: "#!/bin/sh",
      previousReleaseId: "release-1",
    });
    expect(await world.memory.locks.renew({ ...input.at, release_id: input.uuid }, input.uuid)).not.toBe("held");
  });

  it("refuses where that is not there any more", async () => {
    const world = await createReleased({ release: {} });

    expect(await rollbackRelease(world.deps, input)).toMatchObject({
      kind: "failed",
      code: "BAD_RELEASE",
      message: 'The document of release "release-1" is not there. Deploy it from its source.',
    });
  });
});

describe("a rollback beside another release", () => {
  it("does not begin", async () => {
    const world = await createReleased();
    await world.memory.locks.acquire({ ...input.at, release_id: "release-3" }, "somebody");

    expect(await rollbackRelease(world.deps, input)).toMatchObject({ kind: "failed", code: "LOCK_EXISTS" });
  });

  it("stops where its locks were taken away", async () => {
    const world = await createReleased();
    const begun = await rollbackRelease(world.deps, input);
    await world.memory.locks.release({ ...input.at, release_id: input.uuid }, input.uuid);
    if (begun.kind !== "running") throw new Error(begun.kind);

    expect(await pollRollback(world.deps, input, begun.progress)).toMatchObject({
      kind: "failed",
      code: "LOCK_FAILED",
      dirty: true,
    });
  });
});

describe("retireKept", () => {
  it("deletes what the release has kept", async () => {
    const world = await createReleased();

    await world.run(retireKept);

    expect(world.standing()).toEqual([world.newGroup]);
    expect(await findOrphans(world)).toEqual([]);
  });

  it("takes no locks where nothing is kept", async () => {
    const world = await createReleased({ release: {} });
    await world.memory.locks.acquire({ ...input.at, release_id: "release-3" }, "somebody");

    await expect(world.run(retireKept)).resolves.toBeDefined();
  });

  it("leaves all to a release that is under way", async () => {
    const world = await createReleased();
    await world.memory.locks.acquire({ ...input.at, release_id: "release-3" }, "somebody");

    await expect(world.run(retireKept)).rejects.toMatchObject({ releaseCode: "LOCK_EXISTS" });
    expect(world.standing()).toContain(world.oldGroup);
  });

  it("gives the locks back where a group cannot be deleted, and deletes it when it is asked again", async () => {
    const world = await createReleased();
    world.sim.once("AutoScaling.DeleteAutoScalingGroup", denied);
    const next = { key: { ...input.at, release_id: "release-3" }, owner: "somebody" };

    await expect(world.run(retireKept)).rejects.toMatchObject({ releaseCode: "CLEAN_UP_FAILED" });

    expect(await world.memory.locks.acquire(next.key, next.owner)).toMatchObject({ kind: "acquired" });
    await world.memory.locks.release(next.key, next.owner);
    await world.run(retireKept);
    expect(world.standing()).toEqual([world.newGroup]);
  });

  it("leaves what has come back", async () => {
    const world = await createReleased();
    await finish(world, await rollbackRelease(world.deps, input));

    await world.run(retireKept);

    expect(world.standing()).toEqual([world.oldGroup]);
  });

  it("lets hooks be answered first, where the release wants that", async () => {
    const release = { rollback_window: 3_600, drain_hooks: true };
    const world = await createReleased({ release, hookSeconds: 60 });

    await world.until(world.run(retireKept));

    expect(world.inputs("AutoScaling.UpdateAutoScalingGroup")).toEqual([
      { AutoScalingGroupName: world.oldGroup, MinSize: 0, DesiredCapacity: 0 },
    ]);
    expect(world.standing()).toEqual([world.newGroup]);
  });
});
