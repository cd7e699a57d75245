import { defined } from "@stackyard/core";
import { findNumber, findText, type NamedResource, placeOf, type SimCall, textOf, textsOf } from "../sim-call.ts";
import { type AutoScalingState, groupOf } from "./auto-scaling-state.ts";
import {
  beat,
  type HookInput,
  type HookTransition,
  hooksOf,
  type LifecycleAction,
  type LifecycleHooks,
  limitsOf,
  outcomeOf,
  toHookKey,
  transitionOf,
} from "./lifecycle-hooks.ts";
import { autoScalingFaults as faults } from "./sim-group.ts";

/** "PutLifecycleHook", HeartbeatTimeout: 30 to 7200 seconds. User guide, "Quotas": 50 hooks a group. */
const HEARTBEAT = { min: 30, max: 7_200 };
const NAME = /^[A-Za-z0-9\-_/]{1,255}$/;

/** Returns a hook of a request. Source: API reference, "LifecycleHookSpecification", "PutLifecycleHook". */
export function readHook({ account, region, name: group }: NamedResource, input: SimCall["input"]): HookInput {
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
    ...defined({ heartbeatSeconds, roleArn, notificationTargetArn, notificationMetadata }),
  };
}

/** Implements DescribeLifecycleHooks: all of a group, or those that are named. */
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

/** Implements CompleteLifecycleAction: only once; an instance of a group continues at once. Source: API reference. */
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

/** Implements RecordLifecycleActionHeartbeat: extends the wait. Source: API reference. */
export function recordHeartbeat({ lifecycle }: AutoScalingState, call: SimCall): unknown {
  beat(findActive(lifecycle, call), call.now);
  return {};
}

function findActive({ hooks, actions }: LifecycleHooks, call: SimCall): LifecycleAction {
  const { input, now } = call;
  const [group, name] = [textOf(input, "AutoScalingGroupName"), textOf(input, "LifecycleHookName")];
  const key = toHookKey({ ...placeOf(call), group, name });
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
