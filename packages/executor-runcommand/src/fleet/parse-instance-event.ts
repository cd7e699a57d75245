import { readField, readText } from "./fleet-deps.ts";

/** The location of the app. Absent fields are not compared. */
export interface EventHome {
  readonly account?: string;
  readonly region?: string;
}

/** An instance that has just started, from an event of EventBridge. */
export interface StartedInstance {
  readonly instanceId: string;
  readonly account: string;
  readonly region: string;
  readonly time: string;
  /** The same for each delivery of one event. */
  readonly eventId: string;
}

/** The decision about an event of EC2. */
export type InstanceDecision =
  | { readonly kind: "ignore"; readonly code: IgnoredCode }
  | ({ readonly kind: "consider" } & StartedInstance);

/** Why an event is ignored. */
type IgnoredCode =
  | "NOT_EC2_STATE_CHANGE"
  | "STATE_NOT_RUNNING"
  | "INVALID_INSTANCE_ID"
  | "WRONG_ACCOUNT"
  | "WRONG_REGION";

/** EC2 has no `mi-` ids: those are nodes outside EC2, without such events. */
const EC2_INSTANCE_ID: RegExp = /^i-([0-9a-f]{8}|[0-9a-f]{17})$/;

/**
 * Reads an "EC2 Instance State-change Notification". Pure; the order of the checks is that of the codes above. `resources` is
 * not believed, `detail` is.
 */
export function parseInstanceEvent(event: unknown, home: EventHome = {}): InstanceDecision {
  const isStateChange =
    readText(event, "source") === "aws.ec2" &&
    readText(event, "detail-type") === "EC2 Instance State-change Notification";
  if (!isStateChange) return { kind: "ignore", code: "NOT_EC2_STATE_CHANGE" };
  const detail = readField(event, "detail");
  if (readText(detail, "state") !== "running") return { kind: "ignore", code: "STATE_NOT_RUNNING" };
  return toConsidered(event, readText(detail, "instance-id"), home);
}

/** Performs the checks of all events about an instance. */
function toConsidered(event: unknown, instanceId: string | undefined, home: EventHome): InstanceDecision {
  if (instanceId === undefined || !EC2_INSTANCE_ID.test(instanceId)) {
    return { kind: "ignore", code: "INVALID_INSTANCE_ID" };
  }
  const account = readText(event, "account") ?? "";
  const region = readText(event, "region") ?? "";
  if (home.account !== undefined && home.account !== account) return { kind: "ignore", code: "WRONG_ACCOUNT" };
  if (home.region !== undefined && home.region !== region) return { kind: "ignore", code: "WRONG_REGION" };
  const time = readText(event, "time") ?? "";
  return { kind: "consider", instanceId, account, region, time, eventId: toEventId(event, instanceId, time) };
}

/** Returns the event's id, which is a UUID in EventBridge. A manual event without one is identified by its content. */
function toEventId(event: unknown, instanceId: string, time: string): string {
  const id = readText(event, "id");
  return id !== undefined && /^[\x21-\x7e]{1,128}$/.test(id) ? id : `${instanceId}@${time}`;
}

/** The names that complete a lifecycle action. */
export interface LifecycleHook {
  readonly group: string;
  readonly hook: string;
  readonly token: string;
}

/** The decision about an event of a lifecycle hook. */
export type HookDecision =
  | { readonly kind: "ignore"; readonly code: IgnoredCode | "NOT_LAUNCH_HOOK" | "HOOK_INVALID" }
  | ({ readonly kind: "consider" } & StartedInstance & { readonly hook: LifecycleHook });

/** Auto Scaling API reference, `CompleteLifecycleAction`: names have at most 255 characters, the token is a UUID. */
const NAME = /^[^\p{Cc}]{1,255}$/u;
const TOKEN = /^[0-9a-fA-F-]{36}$/;

/** Reads an "EC2 Instance-launch Lifecycle Action" of Auto Scaling: the instance waits until the action is completed. Pure. */
export function parseHookEvent(event: unknown, home: EventHome = {}): HookDecision {
  const detail = readField(event, "detail");
  const isLaunch =
    readText(event, "source") === "aws.autoscaling" &&
    readText(event, "detail-type") === "EC2 Instance-launch Lifecycle Action" &&
    readText(detail, "LifecycleTransition") === "autoscaling:EC2_INSTANCE_LAUNCHING";
  if (!isLaunch) return { kind: "ignore", code: "NOT_LAUNCH_HOOK" };
  const decision = toConsidered(event, readText(detail, "EC2InstanceId"), home);
  if (decision.kind === "ignore") return decision;
  const hook = findHook(detail);
  return hook === undefined ? { kind: "ignore", code: "HOOK_INVALID" } : { ...decision, hook };
}

function findHook(detail: unknown): LifecycleHook | undefined {
  const group = readText(detail, "AutoScalingGroupName") ?? "";
  const hook = readText(detail, "LifecycleHookName") ?? "";
  const token = readText(detail, "LifecycleActionToken") ?? "";
  return NAME.test(group) && NAME.test(hook) && TOKEN.test(token) ? { group, hook, token } : undefined;
}
