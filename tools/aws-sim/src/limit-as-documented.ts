import type { AwsSim } from "./aws-sim.ts";
import type { ThrottleInput } from "./sim-call.ts";

/**
 * EC2 developer guide, "Request throttling for the Amazon EC2 API", per action: a bucket of 100 tokens for those that change
 * nothing, refilled by 20 a second, and one of 50, refilled by 5, for others.
 */
const EC2_READ = { perSecond: 20, burst: 100 };
const EC2_WRITE = { perSecond: 5, burst: 50 };
/** Service quotas, "Amazon CloudWatch endpoints and quotas": requests a second of each operation on alarms. */
const ALARM_READ = { perSecond: 9 };
const ALARM_WRITE = { perSecond: 3 };
/**
 * "Request throttling for the Elastic Load Balancing API": each generation has its own bucket of 40 tokens for Describe actions,
 * refilled by 10 a second. Those of other actions are smaller; here they share it.
 */
const BALANCING = { perSecond: 10, burst: 40 };
/** Lambda quotas, "API requests": 15 a second of the control plane, of all its operations together. */
const LAMBDA_CONTROL = { perSecond: 15 };
/** AWS documents no rates of Auto Scaling, IAM and Run Command. These are what tests count on. */
const SCALING = { perSecond: 10, burst: 50 };
const IAM = { perSecond: 15, burst: 50 };
const COMMANDS = { perSecond: 1 };

/** Per account and region. */
const RATES: Readonly<Record<string, ThrottleInput>> = {
  AutoScaling: SCALING,
  "CloudWatch.DeleteAlarms": ALARM_WRITE,
  "CloudWatch.DescribeAlarms": ALARM_READ,
  "CloudWatch.PutMetricAlarm": ALARM_WRITE,
  "EC2.CreateLaunchTemplate": EC2_WRITE,
  "EC2.CreatePlacementGroup": EC2_WRITE,
  "EC2.DeleteLaunchTemplate": EC2_WRITE,
  "EC2.DeletePlacementGroup": EC2_WRITE,
  "EC2.DescribeImages": EC2_READ,
  "EC2.DescribeInstances": EC2_READ,
  "EC2.DescribeLaunchTemplates": EC2_READ,
  "EC2.DescribePlacementGroups": EC2_READ,
  "EC2.DescribeSecurityGroups": EC2_READ,
  "EC2.DescribeSubnets": EC2_READ,
  ElasticLoadBalancing: BALANCING,
  ElasticLoadBalancingV2: BALANCING,
  IAM,
  "Lambda.GetAlias": LAMBDA_CONTROL,
  "Lambda.UpdateAlias": LAMBDA_CONTROL,
  "SSM.SendCommand": COMMANDS,
};

/** Throttles services as AWS does, or more. */
export function limitAsDocumented(sim: Pick<AwsSim, "limit">): void {
  for (const [operation, limit] of Object.entries(RATES)) sim.limit(operation, limit);
}
