import { SimFault } from "@stackyard/aws-sim";
import { describe, expect, it } from "vitest";
import type { ReleaseDeps } from "../release-state.ts";
import { sortGroups } from "../resources/groups.ts";
import { aRelease, TARGET } from "../testing/builders.ts";
import { createSwitch, findOrphans, type Switch, type SwitchInput } from "../testing/release-world.ts";
import { cleanUpSuccess, detachForSuccess, retireKept } from "./detach.ts";
import { untagGroup } from "./group-tags.ts";
import { cancelRollback, pollRollback, rollbackRelease } from "./rollback.ts";
import { findRollback, toRedeployment } from "./rollback-route.ts";
import type { RollbackStep } from "./rollback-step.ts";

const place = { partition: "aws", region: "eu-west-1", account: "111122223333" };
const owner = { project_name: "org/shop", config_name: "production", release_id: "" };

interface Given {
  readonly name: string;
  readonly releaseId?: string;
  readonly tags?: Record<string, string>;
}

function aGroup({ name, releaseId, tags }: Given) {
  const id = releaseId === undefined ? {} : { ReleaseID: releaseId };
  return { name, desired: 1, tags: { ProjectName: "org/shop", ConfigName: "production", ...id, ...tags } };
}

function kept(name: string, by: string, over: Record<string, string> = {}): Given {
  const tags = {
    "stackyard:retired-at": "2026-01-01T00:00:00.000Z",
    "stackyard:retired-by": by,
    "stackyard:retired-capacity": "1/3",
    "stackyard:retired-traffic": "elb/web",
    ...over,
  };
  return { name, releaseId: "release-1", tags };
}

function find(given: readonly Given[], releaseId?: string) {
  return findRollback({ groups: sortGroups(given.map(aGroup), owner), releaseId, place });
}

describe("findRollback", () => {
  it("goes back to the groups that were kept", () => {
    const given = [kept("old", "release-2"), { name: "new", releaseId: "release-2" }];

    expect(find(given)).toEqual({
      kind: "return",
      releaseId: "release-2",
      previousReleaseId: "release-1",
      kept: [{ name: "old", min: 1, desired: 3, elbs: ["web"], targetGroupArns: [] }],
      left: ["new"],
    });
  });

  it("goes back to them also when the release to be left has lost its groups", () => {
    expect(find([kept("old", "release-2")], "release-2")).toMatchObject({ kind: "return", left: [] });
  });

  it("releases the document from before where no group was kept", () => {
    const tags = { "stackyard:previous-release": "release-1" };

    expect(find([{ name: "new", releaseId: "release-2", tags }])).toEqual({
      kind: "redeploy",
      releaseId: "release-2",
      previousReleaseId: "release-1",
    });
  });

  it("does not go back to groups that were kept for another release", () => {
    const given = [kept("old", "release-0"), { name: "new", releaseId: "release-2" }];

    expect(find(given)).toMatchObject({
      kind: "refused",
      message: expect.stringContaining("no record of the previous release"),
    });
  });

  it.each([
    ["nothing runs", [], undefined, "No release is in service"],
    ["the release to be left has no groups", [], "release-9", 'Release "release-9" has no groups'],
    [
      "several releases exist",
      [
        { name: "a", releaseId: "release-1" },
        { name: "b", releaseId: "release-2" },
      ],
      undefined,
      "release-1, release-2",
    ],
    [
      "the tags of a kept group are spoilt",
      [kept("old", "release-2", { "stackyard:retired-capacity": "many" }), { name: "new", releaseId: "release-2" }],
      undefined,
      'The tags of "old"',
    ],
    [
      "kept groups are of several releases",
      [
        kept("a", "release-2"),
        { ...kept("b", "release-2"), releaseId: "release-0" },
        { name: "new", releaseId: "release-2" },
      ],
      undefined,
      "belong to several releases: a, b",
    ],
  ])("rejects where %s", (_, given, releaseId, message) => {
    expect(find(given, releaseId)).toEqual({ kind: "refused", message: expect.stringContaining(message) });
  });
});

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
      message: `Timeout: Halting Release; "${world.oldGroup}" has 0 of 2 healthy instances. Release "release-2" stays in service, and the old groups are kept.`,
    });
    expect(world.standing()).toEqual([world.oldGroup, world.newGroup].toSorted());
    expect([traffic(world, world.newGroup), traffic(world, world.oldGroup)]).toEqual([0, -2]);
    expect(world.sim.autoScaling.findGroup({ ...PLACE, name: world.oldGroup })?.tags).toHaveProperty([
      "stackyard:retired-at",
    ]);
  });

  it.each(["healing", "leaving"])("does not count five hours in which no worker looked, while %s", async (phase) => {
    const world = await createReleased();
    const sick = async () => ({ TargetHealthDescriptions: [] });
    let step = await rollbackRelease(world.deps, input);
    while (step.kind === "running" && step.progress.phase !== phase) {
      step = await pollRollback(world.deps, input, step.progress);
    }
    for (let look = 0; look < 4; look += 1) {
      if (step.kind !== "running") throw new Error(step.kind);
      world.sim.once("ElasticLoadBalancingV2.DescribeTargetHealth", sick);
      await world.pass(look === 2 ? 5 * 3_600 : step.waitSeconds);
      step = await pollRollback(world.deps, input, step.progress);
    }

    expect(await finish(world, step)).toMatchObject({ kind: "succeeded" });
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

  it("leaves the servers of a group whose tags do not tell any more whether it had traffic", async () => {
    const world = await createReleased();
    const begun = await rollbackRelease(world.deps, input);
    if (begun.kind !== "running") throw new Error(begun.kind);
    await untagGroup(world.deps, world.oldGroup, ["stackyard:retired-capacity"]);

    await cancelRollback(world.deps, input, begun.progress, "No.");

    expect(traffic(world, world.oldGroup)).toBe(-2);
    expect(world.sim.autoScaling.findGroup({ ...PLACE, name: world.oldGroup })?.desired).toBeGreaterThan(0);
  });

  it("runs to its end when it is canceled after traffic has moved", async () => {
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

  it("reports again that it has ended", async () => {
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

  it("rejects where that is not there any more", async () => {
    const world = await createReleased({ release: {} });

    expect(await rollbackRelease(world.deps, input)).toMatchObject({
      kind: "failed",
      code: "BAD_RELEASE",
      message: 'The document of release "release-1" does not exist. Deploy it from its source.',
    });
  });
});

describe("a rollback during another release", () => {
  it("does not begin", async () => {
    const world = await createReleased();
    await world.memory.locks.acquire({ ...input.at, release_id: "release-3" }, "unknown");

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
    await world.memory.locks.acquire({ ...input.at, release_id: "release-3" }, "unknown");

    await expect(world.run(retireKept)).resolves.toBeDefined();
  });

  it("leaves all to a release that is under way", async () => {
    const world = await createReleased();
    await world.memory.locks.acquire({ ...input.at, release_id: "release-3" }, "unknown");

    await expect(world.run(retireKept)).rejects.toMatchObject({ releaseCode: "LOCK_EXISTS" });
    expect(world.standing()).toContain(world.oldGroup);
  });

  it("releases the locks when a group cannot be deleted, and deletes it when called again", async () => {
    const world = await createReleased();
    world.sim.once("AutoScaling.DeleteAutoScalingGroup", denied);
    const next = { key: { ...input.at, release_id: "release-3" }, owner: "unknown" };

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

const redeploymentInput = { releaseId: "release-3", now: Date.UTC(2026, 0, 2, 3, 4, 5, 678) };

describe("toRedeployment", () => {
  it("has the document under a new id and time, and nothing else changed", () => {
    const document = {
      release_id: "release-1",
      created_at: "2026-01-01T00:00:00Z",
      ami: "ami-1",
      services: { web: {} },
    };

    expect(toRedeployment(document, redeploymentInput)).toEqual({
      ...document,
      release_id: "release-3",
      created_at: "2026-01-02T03:04:05.678Z",
    });
  });

  it("takes out what a deployer has written", () => {
    const document = {
      ami: "ami-1",
      uuid: "u",
      started_at: "x",
      success: true,
      healthy: true,
      error: {},
      Task: "Lock",
    };

    expect(Object.keys(toRedeployment(document, redeploymentInput) ?? {})).toEqual(["ami", "release_id", "created_at"]);
  });

  it.each([undefined, null, "text", 1, []])("has no document in %j", (document) => {
    expect(toRedeployment(document, redeploymentInput)).toBeUndefined();
  });
});
