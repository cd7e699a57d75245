import { findText, type SimCall, textOf } from "../sim-call.ts";
import { autoScalingFaults as faults } from "./auto-scaling-faults.ts";
import type { AutoScalingState } from "./auto-scaling-state.ts";
import { beat, type LifecycleAction, type LifecycleHooks, outcomeOf, toHookKey } from "./lifecycle-hooks.ts";

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
