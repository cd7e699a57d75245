import { type AwsEvent, toAwsEvent } from "../event-bridge.ts";
import { type LifecycleAction, transitionOf } from "./lifecycle-hooks.ts";
import type { SimGroup } from "./sim-group.ts";

/** The event of an instance that comes to a hook. Source: user guide, "Amazon EC2 Auto Scaling events", lifecycle actions. */
export function tellOfHook({ account, region, arn, name }: SimGroup, action: LifecycleAction): AwsEvent {
  const { hook, token, instanceId, beganAt } = action;
  const isLaunch = transitionOf(hook) === "autoscaling:EC2_INSTANCE_LAUNCHING";
  const ends = isLaunch ? ["EC2", "AutoScalingGroup"] : ["AutoScalingGroup", "EC2"];
  return toAwsEvent({
    account,
    region,
    at: beganAt,
    source: "aws.autoscaling",
    resources: [arn],
    detailType: `EC2 Instance-${isLaunch ? "launch" : "terminate"} Lifecycle Action`,
    detail: {
      LifecycleActionToken: token,
      AutoScalingGroupName: name,
      LifecycleHookName: hook.name,
      EC2InstanceId: instanceId,
      LifecycleTransition: transitionOf(hook),
      Origin: ends[0],
      Destination: ends[1],
      ...(hook.notificationMetadata === undefined ? {} : { NotificationMetadata: hook.notificationMetadata }),
    },
  });
}
