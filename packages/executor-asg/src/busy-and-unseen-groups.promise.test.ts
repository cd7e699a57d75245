import { AutoScalingClient, PutScalingPolicyCommand } from "@aws-sdk/client-auto-scaling";
import { CloudWatchClient, PutMetricAlarmCommand } from "@aws-sdk/client-cloudwatch";
import { SimFault } from "@stackyard/aws-sim";
import type { Step } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { createYardMemory } from "./deploy/yard-memory.ts";
import { TARGET } from "./testing/builders.ts";
import { type AsgYard, addServingGroup, aTaskConfig, createAsgYard, OLD_GROUP } from "./testing/yards.ts";

const NEW = "org/shop-production-2026-01-01T00-00-00Z-web";
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const KEY = { aws_account_id: TARGET.account, project_name: "org/shop", config_name: "production", release_id: "next" };

/** Fails an operation for so long from its first call on. */
function refuse({ world }: AsgYard, operation: string, fault: SimFault, ms: number): void {
  let since: number | undefined;
  const behave = async (proceed: () => Promise<unknown>): Promise<unknown> => {
    world.sim.once(operation, behave);
    since ??= world.clock.now();
    if (world.clock.now() - since >= ms) return proceed();
    throw fault;
  };
  world.sim.once(operation, behave);
}

/** Returns who holds the lock of the project and config; undefined: no one. */
async function findLock({ records, world }: AsgYard): Promise<string | undefined> {
  const { locks } = createYardMemory({ records, clock: world.clock, generation: "odin", at: TARGET });
  const answer = await locks.acquire(KEY, "next");
  if (answer.kind === "held") return answer.by;
  await locks.release(KEY, "next");
  return undefined;
}

function followUpOf(step: Step): unknown {
  return step.kind === "succeeded" ? step.followUp : undefined;
}

const BUSY: readonly (readonly [name: string, status: number])[] = [
  ["ScalingActivityInProgressFault", 400],
  ["ResourceInUseFault", 400],
  ["ResourceContentionFault", 500],
  ["Throttling", 400],
];

// ansible PR 46124, terraform PR 1840, cloud-custodian#1689, ansible-modules-core PR 1128.
describe("an old group that Auto Scaling is busy with", () => {
  it.each(BUSY)("is deleted when that has passed: %s for five minutes", async (name, status) => {
    const yard = createAsgYard();
    await addServingGroup(yard);
    refuse(yard, "AutoScaling.DeleteAutoScalingGroup", new SimFault(name, status, "busy"), 5 * MINUTE);

    const { step } = await yard.run(aTaskConfig());

    expect(step).toMatchObject({ kind: "succeeded", outputs: { dirty: false } });
    expect([yard.groups(), followUpOf(step), await findLock(yard)]).toEqual([[NEW], undefined, undefined]);
  });

  it("neither keeps the lock nor stops the next release, which deletes it", async () => {
    const yard = createAsgYard();
    await addServingGroup(yard);
    const fault = new SimFault("ScalingActivityInProgressFault", 400, "busy");
    refuse(yard, "AutoScaling.DeleteAutoScalingGroup", fault, HOUR);

    const first = await yard.run(aTaskConfig());
    const lock = await findLock(yard);
    const between = yard.groups();
    await yard.world.clock.advance(HOUR);
    const second = await yard.run(aTaskConfig(), { context: yard.context({ stackId: "s2" }) });

    expect(first.step).toMatchObject({ kind: "succeeded", outputs: { end: "Success", dirty: false } });
    expect([lock, between.toSorted()]).toEqual([undefined, [NEW, OLD_GROUP].toSorted()]);
    expect(followUpOf(first.step)).toMatchObject({ inMs: 10 * MINUTE, config: { op: "retire" } });
    expect(second.step.kind).toBe("succeeded");
    expect(yard.groups()).toHaveLength(1);
  });

  it("fails no release because of its launch configuration", async () => {
    const yard = createAsgYard();
    await addServingGroup(yard);
    const fault = new SimFault("ResourceContentionFault", 500, "busy");
    refuse(yard, "AutoScaling.DeleteLaunchConfiguration", fault, 10 * MINUTE);

    const { step } = await yard.run(aTaskConfig());

    expect(step).toMatchObject({ kind: "succeeded", outputs: { dirty: false } });
    expect([yard.groups(), await findLock(yard)]).toEqual([[NEW], undefined]);
  });

  it("is deleted by the follow-up of the release as soon as that works", async () => {
    const yard = createAsgYard();
    await addServingGroup(yard);
    const fault = new SimFault("ScalingActivityInProgressFault", 400, "busy");
    refuse(yard, "AutoScaling.DeleteAutoScalingGroup", fault, 40 * MINUTE);
    const { step } = await yard.run(aTaskConfig());
    const { config } = followUpOf(step) as { readonly config: object };

    const retired = await yard.run(config, { context: yard.context({ stackId: "s2" }) });

    expect(retired.step.kind).toBe("succeeded");
    expect(yard.groups()).toEqual([NEW]);
  });

  it("of a failed release is left and named, without its lock", async () => {
    const yard = createAsgYard();
    await addServingGroup(yard);
    yard.world.sim.autoScaling.script(NEW, { neverHealthy: true });
    refuse(yard, "AutoScaling.DeleteAutoScalingGroup", new SimFault("ResourceInUseFault", 400, "busy"), HOUR);

    const { step } = await yard.run(aTaskConfig({ timeout: 60 }));

    expect(step).toMatchObject({
      kind: "failed",
      message: expect.stringContaining(NEW),
      outputs: { end: "FailureClean" },
    });
    expect(await findLock(yard)).toBeUndefined();
  });
});

// spinnaker/clouddriver PR 687, spinnaker/deck PR 2132: people share alarms between policies.
describe("an alarm that no release has made", () => {
  async function createShared(): Promise<AsgYard> {
    const yard = createAsgYard();
    const AutoScalingGroupName = await addServingGroup(yard);
    const policy = {
      AutoScalingGroupName,
      PolicyName: "queue-depth",
      PolicyType: "SimpleScaling",
      ScalingAdjustment: 1,
    };
    const put = new PutScalingPolicyCommand({ ...policy, AdjustmentType: "ChangeInCapacity" });
    const { PolicyARN = "" } = await yard.aws(AutoScalingClient).send(put);
    const alarm = new PutMetricAlarmCommand({
      AlarmName: "orders-queue-depth",
      ...{ MetricName: "ApproximateNumberOfMessagesVisible", Namespace: "AWS/SQS", Statistic: "Average", Period: 60 },
      ...{ EvaluationPeriods: 1, Threshold: 100, ComparisonOperator: "GreaterThanThreshold" },
      AlarmActions: [PolicyARN, "arn:aws:sns:eu-west-1:111122223333:on-call"],
    });
    await yard.aws(CloudWatchClient).send(alarm);
    return yard;
  }

  it("is left when the release that it scaled is replaced, and named", async () => {
    const yard = await createShared();
    const context = yard.context();

    const { step } = await yard.run(aTaskConfig(), { context });

    expect(step.kind).toBe("succeeded");
    expect((await yard.standing()).alarms).toContain("orders-queue-depth");
    expect(context.reports).toContain("left orders-queue-depth: no release has made this alarm");
  });

  it("does not make a release dirty whose role may delete only the alarms of releases", async () => {
    const yard = await createShared();
    refuse(yard, "CloudWatch.DeleteAlarms", new SimFault("AccessDenied", 403, "not authorized"), HOUR);

    const { step } = await yard.run(aTaskConfig());

    expect(step).toMatchObject({ kind: "succeeded", outputs: { dirty: false } });
  });
});

describe("a group that one answer does not show", () => {
  /** Hides a group from all answers for so long, from when the release begins to detach. */
  function hide({ world }: AsgYard, group: string, ms: number): void {
    let until: number | undefined;
    const look = async (proceed: () => Promise<unknown>): Promise<unknown> => {
      world.sim.once("AutoScaling.DescribeAutoScalingGroups", look);
      const answer = (await proceed()) as { readonly AutoScalingGroups: readonly { AutoScalingGroupName: string }[] };
      const hasMoved = world.sim.calls.some(
        ({ operation }) => operation === "ElasticLoadBalancingV2.DescribeTargetHealth",
      );
      if (!hasMoved) return answer;
      until ??= world.clock.now() + ms;
      if (world.clock.now() > until) return answer;
      const AutoScalingGroups = answer.AutoScalingGroups.filter((each) => each.AutoScalingGroupName !== group);
      return { ...answer, AutoScalingGroups };
    };
    world.sim.once("AutoScaling.DescribeAutoScalingGroups", look);
  }

  it.each([0, 20_000])("does not stay behind a release that replaces it: for %i ms", async (ms) => {
    const yard = createAsgYard();
    await addServingGroup(yard);
    hide(yard, OLD_GROUP, ms);

    const { step } = await yard.run(aTaskConfig());

    expect([step.kind, yard.groups()]).toEqual(["succeeded", [NEW]]);
  });

  it.each([0, 20_000])("does not end its release: for %i ms", async (ms) => {
    const yard = createAsgYard();
    await addServingGroup(yard);
    hide(yard, NEW, ms);

    const { step } = await yard.run(aTaskConfig());

    expect([step.kind, yard.groups()]).toEqual(["succeeded", [NEW]]);
  });
});

describe("a release that was unwatched", () => {
  it.each(Array.from({ length: 12 }, (_, step) => step + 1))(
    "is not rolled back for it, after step %i",
    async (step) => {
      const yard = createAsgYard();
      await addServingGroup(yard);

      const lateMs = (steps: number) => (steps === step ? 3 * HOUR : 0);
      const run = await yard.run(aTaskConfig({ timeout: 600 }), { lateMs });

      expect(run.step).toMatchObject({ kind: "succeeded" });
      expect(yard.groups()).toEqual([NEW]);
    },
  );

  it("ends well where the worker looks every hour, for a day of absences", async () => {
    const yard = createAsgYard();
    await addServingGroup(yard);

    const run = await yard.run(aTaskConfig({ timeout: 600 }), { lateMs: () => HOUR });

    expect(run.step).toMatchObject({ kind: "succeeded" });
    expect(yard.groups()).toEqual([NEW]);
  });

  it("keeps the rest of its time when its groups are not healthy yet", async () => {
    const yard = createAsgYard();
    await addServingGroup(yard);
    yard.world.sim.autoScaling.script(NEW, { bootMs: 500_000 });

    const lateMs = (steps: number) => (steps === 5 ? 100_000 : 0);
    const { step } = await yard.run(aTaskConfig({ timeout: 600 }), { lateMs });

    expect(step.kind).toBe("succeeded");
  });
});
