import { AutoScalingClient, PutScalingPolicyCommand } from "@aws-sdk/client-auto-scaling";
import { CloudWatchClient, PutMetricAlarmCommand } from "@aws-sdk/client-cloudwatch";
import type { ReleaseDeps } from "../release-deps.ts";
import type { LaunchFacts } from "./launch-facts.ts";
import { toAlarmRequest } from "./to-alarm-request.ts";
import { toPolicyRequest } from "./to-policy-request.ts";

/** Puts each policy, and then the alarm that works it, which needs its ARN. A repeat puts the same ones. */
export async function makePolicies({ target, signal }: ReleaseDeps, facts: LaunchFacts): Promise<void> {
  const options = { abortSignal: signal };
  for (const policy of facts.service.autoscaling.policies) {
    const put = new PutScalingPolicyCommand(toPolicyRequest(facts, policy));
    const { PolicyARN = "" } = await target.client(AutoScalingClient).send(put, options);
    // Auto Scaling makes the alarms of target tracking itself.
    if (policy.type === "target_tracking") continue;
    const alarm = new PutMetricAlarmCommand(toAlarmRequest(facts, policy, PolicyARN));
    await target.client(CloudWatchClient).send(alarm, options);
  }
}
