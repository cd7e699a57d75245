import type { CfnCondition } from "aws-cdk-lib";
import { CfnLifecycleHook } from "aws-cdk-lib/aws-autoscaling";
import type { Construct } from "constructs";

/** Whose launches wait. */
export interface LaunchHookProps {
  readonly autoScalingGroupName: string;
  /** Seconds without a heartbeat after which a launch counts as failed, 300 or more. Default: an hour. */
  readonly heartbeatSeconds?: number;
  readonly condition?: CfnCondition;
}

const HOUR = 3_600;

/** Holds an instance of a group in `Pending:Wait` until it is configured; one that is not, or not in time, is replaced. */
export function createLaunchHook(scope: Construct, id: string, props: LaunchHookProps): CfnLifecycleHook {
  const hook = new CfnLifecycleHook(scope, id, {
    autoScalingGroupName: props.autoScalingGroupName,
    lifecycleHookName: "stackyard-configure",
    lifecycleTransition: "autoscaling:EC2_INSTANCE_LAUNCHING",
    defaultResult: "ABANDON",
    heartbeatTimeout: props.heartbeatSeconds ?? HOUR,
  });
  if (props.condition !== undefined) hook.cfnOptions.condition = props.condition;
  return hook;
}
