/** An instance's id. */
export const INSTANCE_ID = "i-0abcd1234abcd1234";

/** Returns an "EC2 Instance State-change Notification" (EC2 user guide, "State change events for your instances"). */
export function anInstanceEvent(fields: Readonly<Record<string, unknown>> = {}) {
  return {
    version: "0",
    id: "7bf73129-1428-4cd3-a780-95db273d1602",
    "detail-type": "EC2 Instance State-change Notification",
    source: "aws.ec2",
    account: "123456789012",
    time: "2026-11-20T08:30:00Z",
    region: "eu-west-1",
    resources: [`arn:aws:ec2:eu-west-1:123456789012:instance/${INSTANCE_ID}`],
    detail: { "instance-id": INSTANCE_ID, state: "running" },
    ...fields,
  };
}

/** What completes the builder's lifecycle action. */
export const HOOK = { group: "garlc_webservers", hook: "configure", token: "87654321-4321-4321-4321-210987654321" };

/**
 * Returns an "EC2 Instance-launch Lifecycle Action" (Auto Scaling user guide, "Amazon EC2 Auto Scaling event
 * reference").
 */
export function aHookEvent(fields: Readonly<Record<string, unknown>> = {}, detail: object = {}) {
  return {
    version: "0",
    id: "12345678-1234-1234-1234-123456789012",
    "detail-type": "EC2 Instance-launch Lifecycle Action",
    source: "aws.autoscaling",
    account: "123456789012",
    time: "2026-11-20T08:29:50Z",
    region: "eu-west-1",
    resources: ["arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:x:autoScalingGroupName/garlc_webservers"],
    detail: {
      LifecycleActionToken: HOOK.token,
      AutoScalingGroupName: HOOK.group,
      LifecycleHookName: HOOK.hook,
      EC2InstanceId: INSTANCE_ID,
      LifecycleTransition: "autoscaling:EC2_INSTANCE_LAUNCHING",
      NotificationMetadata: "additional-info",
      Origin: "EC2",
      Destination: "AutoScalingGroup",
      ...detail,
    },
    ...fields,
  };
}
