import { AutoScalingClient, DeleteAutoScalingGroupCommand } from "@aws-sdk/client-auto-scaling";
import { describe, expect, it } from "vitest";
import { addServingGroup, aTaskConfig, createAsgYard, OLD_GROUP } from "./testing/yards.ts";

const PLACE = { account: "111122223333", region: "eu-west-1" };

/** Runs a release whose servers never become healthy. */
async function failOnce(yard: ReturnType<typeof createAsgYard>, over: object = {}) {
  yard.world.sim.autoScaling.script("org/", { neverHealthy: true });
  const { step } = await yard.run(aTaskConfig({ timeout: 130, ...over }));
  return step;
}

function sizesOf({ world }: ReturnType<typeof createAsgYard>) {
  return world.sim.autoScaling
    .listGroups(PLACE)
    .filter(({ isDeleting }) => !isDeleting)
    .map(({ name, min, desired, max }) => ({ name, min, desired, max }));
}

describe("what users of other tools have reported about two groups that take turns", () => {
  it("has one group after a release whose servers never warm up (cf_deployer#39)", async () => {
    const yard = createAsgYard();
    await addServingGroup(yard);

    const step = await failOnce(yard);

    expect(step).toMatchObject({ kind: "failed", code: "RELEASE_TIMED_OUT", outputs: { end: "FailureClean" } });
    expect(await yard.standing()).toEqual({ groups: [OLD_GROUP], templates: [], alarms: [] });
  });

  it("releases after a release that has failed: nothing of that one is taken for the new one (soapbox#92)", async () => {
    const yard = createAsgYard();
    await addServingGroup(yard);
    await failOnce(yard);
    yard.world.sim.autoScaling.script("org/", {});

    const { step } = await yard.run(aTaskConfig({ release_id: "release-3" }));

    expect(step).toMatchObject({ kind: "succeeded", outputs: { end: "Success", previousReleaseId: "release-1" } });
    expect(yard.groups()).toHaveLength(1);
    expect(yard.groups()).not.toContain(OLD_GROUP);
  });

  it("does not grow by releases that fail (asiaq#25)", async () => {
    const yard = createAsgYard();
    await addServingGroup(yard);
    const before = sizesOf(yard);

    for (let time = 1; time <= 3; time += 1) await failOnce(yard, { release_id: `failing-${time}` });

    expect(sizesOf(yard)).toEqual(before);
  });
});

describe("what users of other tools have reported about the old group", () => {
  it.each(["before the release looks at health", "while it looks"])(
    "a group that a person deletes %s is no reason to fail (terraform#1393)",
    async (when) => {
      const yard = createAsgYard();
      await addServingGroup(yard);
      const { sim } = yard.world;
      const operation =
        when === "while it looks"
          ? "ElasticLoadBalancingV2.DescribeTargetHealth"
          : "AutoScaling.CreateAutoScalingGroup";
      sim.once(operation, async (proceed) => {
        const client = yard.context().aws(AutoScalingClient);
        await client.send(new DeleteAutoScalingGroupCommand({ AutoScalingGroupName: OLD_GROUP, ForceDelete: true }));
        return proceed();
      });

      const { step } = await yard.run(aTaskConfig());

      expect(step).toMatchObject({ kind: "succeeded", outputs: { end: "Success", dirty: false } });
      expect(yard.groups()).not.toContain(OLD_GROUP);
    },
  );

  it("is never made larger on its way out (spinnaker#6222)", async () => {
    const yard = createAsgYard();
    await addServingGroup(yard);
    const before = sizesOf(yard).find(({ name }) => name === OLD_GROUP);
    const sizes: (typeof before)[] = [];
    const look = async (proceed: () => Promise<unknown>): Promise<unknown> => {
      yard.world.sim.once("AutoScaling.DescribeAutoScalingGroups", look);
      sizes.push(sizesOf(yard).find(({ name }) => name === OLD_GROUP));
      return proceed();
    };
    yard.world.sim.once("AutoScaling.DescribeAutoScalingGroups", look);

    await yard.run(aTaskConfig());

    const seen = sizes.filter((each) => each !== undefined);
    expect(seen.length).toBeGreaterThan(3);
    expect(seen.every(({ min, desired }) => min <= (before?.min ?? 0) && desired <= (before?.desired ?? 0))).toBe(true);
  });
});

describe("what users of other tools have reported about the time of a release", () => {
  it.each([500_000, 560_000, 590_000])(
    "it succeeds when its servers boot shortly before its limit of 600 s: in %i ms (ecs-deploy#184, #102)",
    async (bootMs) => {
      const yard = createAsgYard();
      await addServingGroup(yard);
      yard.world.sim.autoScaling.script("org/", { bootMs });

      const { step } = await yard.run(aTaskConfig({ timeout: 600 }));

      expect(step).toMatchObject({ kind: "succeeded", outputs: { end: "Success" } });
    },
  );
});

describe("what users of other tools have reported about new servers", () => {
  it("one that EC2 could not launch is replaced, and the old group goes (cloudcaptain#204)", async () => {
    const yard = createAsgYard();
    await addServingGroup(yard);
    yard.world.sim.autoScaling.script("org/", { launchError: "Server.InternalError: Internal error on launch" }, {});

    const { step } = await yard.run(aTaskConfig());

    expect(step).toMatchObject({ kind: "succeeded", outputs: { end: "Success", dirty: false } });
    expect(yard.groups()).not.toContain(OLD_GROUP);
  });

  it("those that a lifecycle hook holds do not count, and the old ones serve until then (ansible#37281)", async () => {
    const yard = createAsgYard();
    await addServingGroup(yard);
    const { sim, clock } = yard.world;
    const group = "org/shop-production-2026-01-01T00-00-00Z-web";
    sim.autoScaling.addHook({ ...PLACE, group, name: "warm-up", heartbeatSeconds: 300, defaultResult: "CONTINUE" });
    const begunAt = clock.now();
    let detachedAt = 0;
    sim.once("AutoScaling.DetachLoadBalancerTargetGroups", (proceed) => {
      detachedAt = clock.now();
      return proceed();
    });

    const { step } = await yard.run(aTaskConfig({ timeout: 900 }));

    expect(step).toMatchObject({ kind: "succeeded", outputs: { end: "Success" } });
    expect(detachedAt - begunAt).toBeGreaterThan(300_000);
  });

  it("are as many as the old group has, where that was scaled out (cloudcaptain#230)", async () => {
    const yard = createAsgYard();
    await addServingGroup(yard);
    const { sim, clock } = yard.world;
    sim.autoScaling.setDesired({ ...PLACE, name: OLD_GROUP }, 4);
    await clock.advance(300_000);

    const { step } = await yard.run(aTaskConfig());

    expect(step.kind).toBe("succeeded");
    expect(sizesOf(yard)).toMatchObject([{ desired: 4, max: 4 }]);
  });

  it("scaled in by somebody else while they warm up are as many as before again, in time (orca#445, #479)", async () => {
    const yard = createAsgYard();
    await addServingGroup(yard);
    const { sim, clock } = yard.world;
    sim.autoScaling.setDesired({ ...PLACE, name: OLD_GROUP }, 3);
    await clock.advance(300_000);
    const group = { ...PLACE, name: "org/shop-production-2026-01-01T00-05-00Z-web" };
    const hook = { ...PLACE, group: group.name, name: "warm-up", heartbeatSeconds: 120 };
    sim.autoScaling.addHook({ ...hook, defaultResult: "CONTINUE" });
    let looks = 0;
    sim.intercept(({ operation }, proceed) => {
      if (operation === "DescribeAutoScalingGroups" && yard.groups().includes(group.name)) looks += 1;
      if (operation === "DescribeAutoScalingGroups" && looks === 1) sim.autoScaling.setDesired(group, 1);
      return proceed();
    });
    const config = aTaskConfig({ timeout: 900 });
    Object.assign(Object(config.release).services.web.autoscaling, { min_size: 1, spread: 0 });

    const { step } = await yard.run(config);

    expect([step, sizesOf(yard)]).toMatchObject([
      { kind: "succeeded", outputs: { end: "Success" } },
      [{ name: group.name, desired: 3 }],
    ]);
    expect(looks).toBeGreaterThan(3);
  });
});
