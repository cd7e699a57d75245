import { randomUUID } from "node:crypto";

/** An event as a target gets it. Source: EventBridge user guide, "Event structure". */
export interface AwsEvent {
  readonly version: "0";
  readonly id: string;
  readonly "detail-type": string;
  readonly source: string;
  readonly account: string;
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Where and when something happened. */
export interface EventPlace {
  readonly account: string;
  readonly region: string;
  readonly at: number;
}

/** What one is made of. Without an id it has a new one. */
export interface EventInput extends EventPlace {
  readonly id?: string;
  readonly source: string;
  readonly detailType: string;
  readonly resources?: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Any event. */
export function toAwsEvent({ id = randomUUID(), account, region, at, ...input }: EventInput): AwsEvent {
  return {
    version: "0",
    id,
    "detail-type": input.detailType,
    source: input.source,
    account,
    // Seconds, as AWS writes it.
    time: new Date(at).toISOString().replace(/\.\d{3}/, ""),
    region,
    resources: input.resources ?? [],
    detail: input.detail,
  };
}

/** EC2 user guide, "Instance state change events". */
export function toStateEvent(place: EventPlace, instanceId: string, state: string): AwsEvent {
  return toAwsEvent({
    ...place,
    source: "aws.ec2",
    detailType: "EC2 Instance State-change Notification",
    resources: [toInstanceArn(place, instanceId)],
    detail: { "instance-id": instanceId, state },
  });
}

/** Auto Scaling user guide, "Lifecycle action": launch. */
export function toLaunchEvent(place: EventPlace, action: LaunchAction): AwsEvent {
  const { token, group, hook, instanceId } = action;
  const transition = "autoscaling:EC2_INSTANCE_LAUNCHING";
  return toAwsEvent({
    ...place,
    source: "aws.autoscaling",
    detailType: "EC2 Instance-launch Lifecycle Action",
    resources: [
      `arn:aws:autoscaling:${place.region}:${place.account}:autoScalingGroup:00000000-0000-4000-8000-000000000000:autoScalingGroupName/${group}`,
    ],
    detail: {
      LifecycleActionToken: token,
      AutoScalingGroupName: group,
      LifecycleHookName: hook,
      EC2InstanceId: instanceId,
      LifecycleTransition: transition,
      Origin: "EC2",
      Destination: "AutoScalingGroup",
    },
  });
}

/** What an Auto Scaling group waits for. */
export interface LaunchAction {
  readonly token: string;
  readonly group: string;
  readonly hook: string;
  readonly instanceId: string;
}

/** Systems Manager user guide, "Systems Manager event examples": one invocation's change of state. */
export function toInvocationEvent(
  place: EventPlace,
  invocation: {
    readonly commandId: string;
    readonly instanceId: string;
    readonly documentName: string;
    readonly status: string;
  },
): AwsEvent {
  const { commandId, instanceId, documentName, status } = invocation;
  const requested = { "requested-date-time": new Date(place.at).toISOString() };
  return toAwsEvent({
    ...place,
    source: "aws.ssm",
    detailType: "EC2 Command Invocation Status-change Notification",
    resources: [toInstanceArn(place, instanceId)],
    detail: { "command-id": commandId, "document-name": documentName, "instance-id": instanceId, ...requested, status },
  });
}

function toInstanceArn({ region, account }: EventPlace, instanceId: string): string {
  return `arn:aws:ec2:${region}:${account}:instance/${instanceId}`;
}
