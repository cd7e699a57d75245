import { DescribePoliciesCommand, PutScalingPolicyCommand } from "@aws-sdk/client-auto-scaling";
import { CloudWatchClient, DescribeAlarmsCommand, PutMetricAlarmCommand } from "@aws-sdk/client-cloudwatch";
import { describe, expect, it } from "vitest";
import { createScalingWorld } from "../testing/a-world.ts";

const UP = { AdjustmentType: "ChangeInCapacity", ScalingAdjustment: 2, Cooldown: 60 };
const TRACKING = {
  PolicyType: "TargetTrackingScaling",
  TargetTrackingConfiguration: {
    PredefinedMetricSpecification: { PredefinedMetricType: "ASGAverageCPUUtilization" as const },
    TargetValue: 50,
  },
};
const STEPS = {
  PolicyType: "StepScaling",
  AdjustmentType: "PercentChangeInCapacity",
  StepAdjustments: [
    { MetricIntervalLowerBound: 0, MetricIntervalUpperBound: 10, ScalingAdjustment: 50 },
    { MetricIntervalLowerBound: 10, ScalingAdjustment: 100 },
  ],
};

async function createPolicies() {
  const world = await createScalingWorld();
  await world.create();
  const { client, clientOf } = world;
  const about = (PolicyName: string) => ({ AutoScalingGroupName: "web", PolicyName });
  const watch = clientOf(CloudWatchClient);
  return {
    ...world,
    removeGroup: world.remove,
    put: (name: string, input: object = UP) => client.send(new PutScalingPolicyCommand({ ...about(name), ...input })),
    list: (input: object = {}) => client.send(new DescribePoliciesCommand({ AutoScalingGroupName: "web", ...input })),
    alarm: (AlarmName: string, AlarmActions: string[]) =>
      watch.send(
        new PutMetricAlarmCommand({
          AlarmName,
          AlarmActions,
          Namespace: "AWS/EC2",
          MetricName: "CPUUtilization",
          Statistic: "Average",
          Period: 300,
          EvaluationPeriods: 2,
          Threshold: 50,
          ComparisonOperator: "GreaterThanThreshold",
        }),
      ),
    alarms: async () =>
      (await watch.send(new DescribeAlarmsCommand({}))).MetricAlarms?.map(({ AlarmName }) => AlarmName),
  };
}

describe("a scaling policy", () => {
  it("is answered as it was put, with the alarms that call it", async () => {
    const { put, list, alarm } = await createPolicies();
    const { PolicyARN = "" } = await put("up");
    await alarm("web-up", [PolicyARN]);
    await alarm("other", []);

    expect((await list()).ScalingPolicies).toMatchObject([
      {
        PolicyName: "up",
        PolicyARN,
        PolicyType: "SimpleScaling",
        ...UP,
        Enabled: true,
        Alarms: [{ AlarmName: "web-up", AlarmARN: expect.stringContaining(":alarm:web-up") }],
      },
    ]);
  });

  it("keeps its ARN when it is put again", async () => {
    const { put, list } = await createPolicies();
    const first = await put("up");

    const second = await put("up", { ...UP, ScalingAdjustment: 3 });

    expect(second.PolicyARN).toBe(first.PolicyARN);
    expect((await list()).ScalingPolicies).toMatchObject([{ ScalingAdjustment: 3 }]);
  });

  it.each([
    ["another type", { PolicyType: "Guess" }, "Invalid policy type: Guess"],
    ["no adjustment type", { ScalingAdjustment: 1 }, "Invalid AdjustmentType"],
    ["no adjustment", { AdjustmentType: "ChangeInCapacity" }, "ScalingAdjustment is required"],
    ["steps of a simple one", { ...STEPS, ...UP, PolicyType: "SimpleScaling" }, "StepAdjustments is not supported"],
    ["a cooldown of steps", { ...STEPS, Cooldown: 1 }, "Cooldown is not supported"],
    ["no steps", { ...STEPS, StepAdjustments: [] }, "1 to 20 step adjustments"],
    ["a target without a target", { PolicyType: "TargetTrackingScaling" }, "TargetTrackingConfiguration is required"],
  ])("refuses %s", async (_, input, message) => {
    const { put } = await createPolicies();

    await expect(put("up", input)).rejects.toMatchObject({
      name: "ValidationError",
      message: expect.stringContaining(message),
    });
  });

  it("is listed in pages, and by names, types and ARNs", async () => {
    const { put, list } = await createPolicies();
    for (let index = 0; index < 5; index += 1) await put(`up-${index}`);
    const { PolicyARN = "" } = await put("steps", STEPS);

    const first = await list({ MaxRecords: 4 });
    const second = await list({ MaxRecords: 4, NextToken: first.NextToken });

    expect([first.ScalingPolicies?.length, second.ScalingPolicies?.length]).toEqual([4, 2]);
    expect((await list({ PolicyTypes: ["StepScaling"] })).ScalingPolicies).toHaveLength(1);
    expect((await list({ PolicyNames: [PolicyARN, "no"] })).ScalingPolicies).toHaveLength(1);
    await expect(list({ AutoScalingGroupName: "no" })).rejects.toMatchObject({ name: "ValidationError" });
  });

  it("is one of at most fifty", async () => {
    const { put } = await createPolicies();
    for (let index = 0; index < 50; index += 1) await put(`up-${index}`);

    await expect(put("one-more")).rejects.toMatchObject({ name: "LimitExceededFault" });
  });

  it("makes two alarms when it tracks a target", async () => {
    const { put, list, alarms } = await createPolicies();

    const { Alarms } = await put("cpu", TRACKING);

    expect(Alarms?.map(({ AlarmName }) => AlarmName?.replace(/-[0-9a-f-]{36}$/, ""))).toEqual([
      "TargetTracking-web-AlarmHigh",
      "TargetTracking-web-AlarmLow",
    ]);
    expect((await list()).ScalingPolicies).toMatchObject([{ PolicyName: "cpu", ...TRACKING, Alarms }]);
    expect(await alarms()).toHaveLength(2);
  });

  it("leaves no alarm of its own when its group is deleted", async () => {
    const { put, update, removeGroup, alarms } = await createPolicies();
    await put("cpu", TRACKING);

    await update({ DesiredCapacity: 0 });
    await removeGroup();

    expect(await alarms()).toEqual([]);
  });
});
