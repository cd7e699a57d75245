import { AutoScalingClient, PutScalingPolicyCommand } from "@aws-sdk/client-auto-scaling";
import { CloudWatchClient, PutMetricAlarmCommand } from "@aws-sdk/client-cloudwatch";
import { SimFault } from "@stackyard/aws-sim";
import { describe, expect, it } from "vitest";
import { type AsgYard, addServingGroup, aTaskConfig, createAsgYard } from "../testing/yards.ts";

function always(
  yard: AsgYard,
  operation: string,
  fits: (input: Record<string, unknown>) => boolean,
  fault: SimFault,
): () => number {
  let count = 0;
  const behave = async (
    proceed: () => Promise<unknown>,
    call?: { input?: Record<string, unknown> },
  ): Promise<unknown> => {
    yard.world.sim.once(operation, behave as never);
    const input = call?.input ?? (yard.world.sim.calls.at(-1)?.input as Record<string, unknown>);
    if (!fits(input ?? {})) return proceed();
    count += 1;
    throw fault;
  };
  yard.world.sim.once(operation, behave as never);
  return () => count;
}

async function addOwnAlarm(yard: AsgYard, group: string): Promise<void> {
  const { PolicyARN = "" } = await yard.aws(AutoScalingClient).send(
    new PutScalingPolicyCommand({
      AutoScalingGroupName: group,
      PolicyName: `${group}-cpu_scale_up`,
      PolicyType: "SimpleScaling",
      AdjustmentType: "ChangeInCapacity",
      ScalingAdjustment: 1,
    }),
  );
  await yard.aws(CloudWatchClient).send(
    new PutMetricAlarmCommand({
      AlarmName: `${group}-cpu_scale_up`,
      MetricName: "CPUUtilization",
      Namespace: "AWS/EC2",
      Statistic: "Average",
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 80,
      ComparisonOperator: "GreaterThanThreshold",
      AlarmActions: [PolicyARN],
    }),
  );
}

/** How the release after it ends. */
async function runNext(yard: AsgYard): Promise<string> {
  const context = yard.context({ attempt: { id: "second", number: 1, token: 1 } } as never);
  const { step } = await yard.run(aTaskConfig({}, { queue: false }), { context });
  return step.kind;
}

const CASES = [
  [
    "deletion protection",
    "AutoScaling.DeleteAutoScalingGroup",
    new SimFault(
      "ValidationError",
      400,
      "The Auto Scaling group has deletion protection enabled (prevent-force-deletion) and cannot be force deleted.",
    ),
    1,
  ],
  [
    "composite alarm",
    "CloudWatch.DeleteAlarms",
    new SimFault(
      "ValidationError",
      400,
      "Cannot delete org/shop-production-release-1-web-cpu_scale_up as there are composite alarm(s) depending on it.",
    ),
    2,
  ],
  [
    "a policy denies",
    "AutoScaling.DeleteAutoScalingGroup",
    new SimFault(
      "AccessDenied",
      403,
      "User is not authorized to perform: autoscaling:DeleteAutoScalingGroup with an explicit deny in a service control policy",
    ),
    4,
  ],
] as const;

// cloud-custodian/cloud-custodian#7763, ekristen/aws-nuke#462, #854, hashicorp/terraform-provider-aws#34807
describe.each(CASES)("the clean-up of the old group is refused for good: %s", (_, operation, fault, count) => {
  it("ends as a success that names what is left, without a lock", async () => {
    const yard = createAsgYard();
    const group = await addServingGroup(yard);
    await addOwnAlarm(yard, group);
    const isOld = (input: Record<string, unknown>) => JSON.stringify(input).includes("release-1");
    const tries = always(yard, operation, isOld, fault);

    const { step } = await yard.run(aTaskConfig());

    expect(step.kind).toBe("succeeded");
    expect(tries()).toBe(count);
    expect(await runNext(yard)).not.toBe("failed");
  });
});
