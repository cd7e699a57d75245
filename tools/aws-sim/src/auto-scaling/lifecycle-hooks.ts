import { randomUUID } from "node:crypto";
import { type AwsEvent, toAwsEvent } from "../event-bridge.ts";
import { findNumber, findText, type SimCall, textOf, textsOf } from "../sim-call.ts";
import {
  type AutoScalingState,
  autoScalingFaults as faults,
  type GroupKey,
  groupOf,
  type LaunchScript,
  type SimGroup,
  standingGroupOf,
} from "./auto-scaling-state.ts";

/** A lifecycle hook. */
export interface HookInput {
  readonly account: string;
  readonly region: string;
  readonly group: string;
  readonly name: string;
  /** Default: launching. */
  readonly transition?: HookTransition;
  /** Default: an hour ("LifecycleHook", HeartbeatTimeout). */
  readonly heartbeatSeconds?: number;
  /** Default: ABANDON ("LifecycleHook", DefaultResult). */
  readonly defaultResult?: HookResult;
  readonly roleArn?: string;
  readonly notificationTargetArn?: string;
  readonly notificationMetadata?: string;
}

/** When a hook holds an instance. */
type HookTransition = "autoscaling:EC2_INSTANCE_LAUNCHING" | "autoscaling:EC2_INSTANCE_TERMINATING";
/** How an action ends. */
type HookResult = "CONTINUE" | "ABANDON";

/** One instance that waits at one hook. */
export interface LifecycleAction {
  readonly hook: HookInput;
  readonly token: string;
  readonly instanceId: string;
  readonly beganAt: number;
  endsAt: number;
  heartbeats: number;
  result?: HookResult;
}

/** Hooks and the actions at them. */
export interface LifecycleHooks {
  readonly hooks: Map<string, HookInput>;
  readonly actions: Map<string, LifecycleAction>;
}

const HEARTBEAT_SECONDS = 3_600;
/** "LifecycleHook", GlobalTimeout: 48 hours or 100 heartbeats, whichever is smaller. */
const GLOBAL_SECONDS = 172_800;
const GLOBAL_HEARTBEATS = 100;

/** The key of a hook in a map. */
export function toHookKey({
  account,
  region,
  group,
  name,
}: Omit<GroupKey, "name"> & Pick<HookInput, "group" | "name">) {
  return [account, region, group, name].join("\n");
}

/** The hooks of a group, for one transition or all. */
export function hooksOf({ hooks }: LifecycleHooks, key: GroupKey, transition?: HookTransition): readonly HookInput[] {
  return [...hooks.values()].filter(
    (hook) =>
      hook.account === key.account &&
      hook.region === key.region &&
      hook.group === key.name &&
      (transition === undefined || transitionOf(hook) === transition),
  );
}

/** When a hook holds an instance. */
function transitionOf({ transition = "autoscaling:EC2_INSTANCE_LAUNCHING" }: HookInput): HookTransition {
  return transition;
}

/** How long a hook waits from one heartbeat to the next, and at most. */
function limitsOf({ heartbeatSeconds = HEARTBEAT_SECONDS }: HookInput) {
  return { heartbeatSeconds, globalSeconds: Math.min(GLOBAL_SECONDS, heartbeatSeconds * GLOBAL_HEARTBEATS) };
}

/** An instance comes to a hook. */
export function beginAction(
  { actions }: LifecycleHooks,
  { hook, instanceId, now }: { readonly hook: HookInput; readonly instanceId: string; readonly now: number },
): LifecycleAction {
  const action: LifecycleAction = { hook, instanceId, token: randomUUID(), beganAt: now, endsAt: 0, heartbeats: -1 };
  beat(action, now);
  actions.set(action.token, action);
  return action;
}

/** It waits on, up to the hook's limit. */
function beat(action: LifecycleAction, now: number): void {
  const { heartbeatSeconds, globalSeconds } = limitsOf(action.hook);
  action.endsAt = Math.min(now + heartbeatSeconds * 1_000, action.beganAt + globalSeconds * 1_000);
  action.heartbeats += 1;
}

/** How it stands at an instant. */
export function outcomeOf({ result, endsAt, hook }: LifecycleAction, now: number): "waiting" | HookResult {
  return result ?? (now < endsAt ? "waiting" : (hook.defaultResult ?? "ABANDON"));
}

/** "PutLifecycleHook", HeartbeatTimeout: 30 to 7200 seconds. User guide, "Quotas": 50 hooks a group. */
const HEARTBEAT = { min: 30, max: 7_200 };
const MAX_HOOKS = 50;
const NAME = /^[A-Za-z0-9\-_/]{1,255}$/;

/** A hook of a request. Source: API reference, "LifecycleHookSpecification", "PutLifecycleHook". */
export function readHook({ account, region, name: group }: GroupKey, input: SimCall["input"]): HookInput {
  const name = findText(input, "LifecycleHookName") ?? "";
  if (!NAME.test(name)) throw faults.constraint("lifecycleHookName", name, "satisfy regular expression pattern");
  const heartbeatSeconds = findNumber(input, "HeartbeatTimeout");
  if (heartbeatSeconds !== undefined && !(heartbeatSeconds >= HEARTBEAT.min && heartbeatSeconds <= HEARTBEAT.max)) {
    throw faults.invalid(`HeartbeatTimeout must be between ${HEARTBEAT.min} and ${HEARTBEAT.max} seconds.`);
  }
  const roleArn = findText(input, "RoleARN");
  const notificationTargetArn = findText(input, "NotificationTargetARN");
  if (notificationTargetArn !== undefined && roleArn === undefined) {
    throw faults.invalid("A RoleARN is required with a NotificationTargetARN.");
  }
  const notificationMetadata = findText(input, "NotificationMetadata");
  return {
    account,
    region,
    group,
    name,
    transition: readTransition(input),
    defaultResult: readResult(input),
    ...(heartbeatSeconds === undefined ? {} : { heartbeatSeconds }),
    ...(roleArn === undefined ? {} : { roleArn }),
    ...(notificationTargetArn === undefined ? {} : { notificationTargetArn }),
    ...(notificationMetadata === undefined ? {} : { notificationMetadata }),
  };
}

/** PutLifecycleHook: a new one, or other values of one. */
export function putHook(state: AutoScalingState, call: SimCall): unknown {
  const group = standingGroupOf(state, textOf(call.input, "AutoScalingGroupName"), call);
  const { lifecycle } = state;
  const before = lifecycle.hooks.get(
    toHookKey({ ...group, group: group.name, name: textOf(call.input, "LifecycleHookName") }),
  );
  if (before === undefined && hooksOf(lifecycle, group).length >= MAX_HOOKS) {
    throw faults.limit(`The limit of ${MAX_HOOKS} lifecycle hooks of a group has been reached.`);
  }
  const hook =
    before === undefined ? readHook(group, call.input) : readHook(group, { ...toHook(before), ...call.input });
  lifecycle.hooks.set(toHookKey(hook), hook);
  return {};
}

/** DeleteLifecycleHook: instances that wait at it go on ("ABANDON for launching, CONTINUE for terminating"). */
export function deleteHook(state: AutoScalingState, call: SimCall): unknown {
  const { lifecycle } = state;
  const group = groupOf(state, textOf(call.input, "AutoScalingGroupName"), call);
  const key = toHookKey({ ...group, group: group.name, name: textOf(call.input, "LifecycleHookName") });
  const hook = lifecycle.hooks.get(key);
  if (hook === undefined) throw faults.invalid("No Lifecycle Hook found");
  lifecycle.hooks.delete(key);
  for (const member of group.members) {
    const waiting = member.actions.filter((action) => action.hook === hook && action.result === undefined);
    for (const action of waiting) {
      action.result = transitionOf(hook) === "autoscaling:EC2_INSTANCE_LAUNCHING" ? "ABANDON" : "CONTINUE";
      member.nextAt = call.now;
    }
  }
  return {};
}

/** DescribeLifecycleHooks: all of a group, or those that are named. */
export function describeHooks(state: AutoScalingState, call: SimCall): unknown {
  const group = groupOf(state, textOf(call.input, "AutoScalingGroupName"), call);
  const names = textsOf(call.input, "LifecycleHookNames");
  const found = hooksOf(state.lifecycle, group).filter(({ name }) => names.length === 0 || names.includes(name));
  return { LifecycleHooks: found.map(toHook) };
}

function toHook(hook: HookInput): SimCall["input"] {
  const { heartbeatSeconds, globalSeconds } = limitsOf(hook);
  return {
    LifecycleHookName: hook.name,
    AutoScalingGroupName: hook.group,
    LifecycleTransition: transitionOf(hook),
    HeartbeatTimeout: heartbeatSeconds,
    GlobalTimeout: globalSeconds,
    DefaultResult: hook.defaultResult ?? "ABANDON",
    ...(hook.roleArn && { RoleARN: hook.roleArn }),
    ...(hook.notificationTargetArn && { NotificationTargetARN: hook.notificationTargetArn }),
    ...(hook.notificationMetadata && { NotificationMetadata: hook.notificationMetadata }),
  };
}

function readTransition(input: SimCall["input"]): HookTransition {
  const transition = findText(input, "LifecycleTransition");
  if (transition === "autoscaling:EC2_INSTANCE_LAUNCHING" || transition === "autoscaling:EC2_INSTANCE_TERMINATING") {
    return transition;
  }
  throw faults.invalid(`Invalid Lifecycle Transition: ${transition}`);
}

function readResult(input: SimCall["input"]): "CONTINUE" | "ABANDON" {
  const result = findText(input, "DefaultResult") ?? "ABANDON";
  if (result === "CONTINUE" || result === "ABANDON") return result;
  throw faults.invalid(`Invalid DefaultResult: ${result}`);
}

/** CompleteLifecycleAction: once; an instance of a group goes on at once. Source: API reference. */
export function completeAction(state: AutoScalingState, call: SimCall): unknown {
  const result = textOf(call.input, "LifecycleActionResult");
  if (result !== "CONTINUE" && result !== "ABANDON") throw faults.invalid(`Invalid LifecycleActionResult: ${result}`);
  const action = findActive(state.lifecycle, call);
  action.result = result;
  for (const { members } of state.groups.values()) {
    for (const member of members) if (member.actions.includes(action)) member.nextAt = call.now;
  }
  return {};
}

/** RecordLifecycleActionHeartbeat: it waits on. Source: API reference. */
export function recordHeartbeat({ lifecycle }: AutoScalingState, call: SimCall): unknown {
  beat(findActive(lifecycle, call), call.now);
  return {};
}

function findActive({ hooks, actions }: LifecycleHooks, call: SimCall): LifecycleAction {
  const { input, identity, region, now } = call;
  const [group, name] = [textOf(input, "AutoScalingGroupName"), textOf(input, "LifecycleHookName")];
  const key = toHookKey({ account: identity.account, region, group, name });
  if (!hooks.has(key)) {
    throw faults.invalid(`No Lifecycle Hook found with name: ${name} and Auto Scaling group: ${group}`);
  }
  const token = findText(input, "LifecycleActionToken");
  const instanceId = findText(input, "InstanceId");
  const found = [...actions.values()].find(
    (each) =>
      toHookKey(each.hook) === key &&
      (token === undefined ? each.instanceId === instanceId : each.token === token) &&
      outcomeOf(each, now) === "waiting",
  );
  if (found !== undefined) return found;
  const what = token === undefined ? `instance ID ${instanceId}` : `token ${token}`;
  throw faults.invalid(`No active Lifecycle Action found with ${what}`);
}

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

/** Groups by the beginning of their name, or by tags that all have to be there. */
export type GroupMatch = string | { readonly tags: Readonly<Record<string, string>> };

/** Scripts for the launches of some groups. */
export interface ScriptEntry {
  readonly match: GroupMatch;
  /** One a launch, in order; the last one stays. */
  readonly left: LaunchScript[];
}

/** The script of the next launch: what was said last comes first. */
export function takeScript(entries: readonly ScriptEntry[], group: SimGroup): LaunchScript {
  const left = entries.findLast(({ match }) => fits(match, group))?.left ?? [];
  return (left.length > 1 ? left.shift() : left[0]) ?? {};
}

function fits(match: GroupMatch, { name, tags }: SimGroup): boolean {
  if (typeof match === "string") return name.startsWith(match);
  return Object.entries(match.tags).every(([key, value]) => tags.some((tag) => tag.key === key && tag.value === value));
}
