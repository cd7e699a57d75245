import { randomUUID } from "node:crypto";
import type { Clock } from "@stackyard/core";
import { type AwsEvent, toLaunchEvent } from "../event-bridge/aws-events.ts";
import { findText, type ServiceFaults, type SimCall, type SimService, textOf } from "../sim-call.ts";
import { SimFault } from "../sim-fault.ts";

/** Groups whose instances wait at lifecycle hooks. */
export interface SimAutoScaling {
  readonly service: SimService;
  addHook(input: HookInput): void;
  /** An instance comes to a hook (`Pending:Wait`): gives the action's token and the event that tells of it. */
  beginAction(input: { readonly hook: HookInput; readonly instanceId: string }): {
    readonly token: string;
    readonly event: AwsEvent;
  };
  findAction(token: string): ActionView | undefined;
}

/** A launch lifecycle hook. */
export interface HookInput {
  readonly account: string;
  readonly region: string;
  readonly group: string;
  readonly name: string;
  /** Default: an hour ("LifecycleHook", HeartbeatTimeout). */
  readonly heartbeatSeconds?: number;
  /** Default: ABANDON ("LifecycleHook", DefaultResult). */
  readonly defaultResult?: "CONTINUE" | "ABANDON";
}

/** How an action stands. */
export interface ActionView {
  readonly state: "waiting" | "CONTINUE" | "ABANDON";
  /** Nobody completed it in time. */
  readonly timedOut: boolean;
  readonly heartbeats: number;
  readonly endsAt: number;
}

interface Action {
  readonly hook: HookInput;
  readonly token: string;
  readonly instanceId: string;
  readonly beganAt: number;
  endsAt: number;
  heartbeats: number;
  result?: "CONTINUE" | "ABANDON";
}

const HEARTBEAT_SECONDS = 3_600;
/** "LifecycleHook", GlobalTimeout: 48 hours or 100 heartbeats, whichever is smaller. */
const GLOBAL_SECONDS = 172_800;
const GLOBAL_HEARTBEATS = 100;

const validation = (message: string): SimFault => new SimFault("ValidationError", 400, message);

/** Auto Scaling API reference, "Common errors". */
const faults: ServiceFaults = {
  unknownKey: () => new SimFault("InvalidClientTokenId", 403, "The security token included in the request is invalid."),
  expired: () => new SimFault("ExpiredToken", 403, "The security token included in the request is expired"),
  denied: (who, action) => new SimFault("AccessDenied", 403, `User: ${who} is not authorized to perform: ${action}`),
  throttled: () => new SimFault("Throttling", 400, "Rate exceeded"),
};

/** Auto Scaling without groups. Sources: API reference, "CompleteLifecycleAction", "RecordLifecycleActionHeartbeat". */
export function createAutoScaling({ clock }: { readonly clock: Clock }): SimAutoScaling {
  const hooks = new Map<string, HookInput>();
  const actions = new Map<string, Action>();
  return {
    service: {
      operations: {
        CompleteLifecycleAction: (call) => {
          const result = textOf(call.input, "LifecycleActionResult");
          if (result !== "CONTINUE" && result !== "ABANDON")
            throw validation(`Invalid LifecycleActionResult: ${result}`);
          findActive(hooks, actions, call).result = result;
          return {};
        },
        RecordLifecycleActionHeartbeat: (call) => {
          beat(findActive(hooks, actions, call), call.now);
          return {};
        },
      },
      toAction: (operation) => `autoscaling:${operation}`,
      faults,
    },
    addHook: (input) => void hooks.set(toKey(input), input),
    beginAction({ hook, instanceId }) {
      const now = clock.now();
      const action: Action = { hook, instanceId, token: randomUUID(), beganAt: now, endsAt: 0, heartbeats: -1 };
      beat(action, now);
      actions.set(action.token, action);
      const about = { token: action.token, group: hook.group, hook: hook.name, instanceId };
      return { token: action.token, event: toLaunchEvent({ ...hook, at: now }, about) };
    },
    findAction(token) {
      const action = actions.get(token);
      if (action === undefined) return;
      const { result, endsAt, heartbeats, hook } = action;
      const timedOut = result === undefined && clock.now() >= endsAt;
      return {
        state: result ?? (timedOut ? (hook.defaultResult ?? "ABANDON") : "waiting"),
        timedOut,
        heartbeats,
        endsAt,
      };
    },
  };
}

function beat(action: Action, now: number): void {
  const seconds = action.hook.heartbeatSeconds ?? HEARTBEAT_SECONDS;
  const global = Math.min(GLOBAL_SECONDS, seconds * GLOBAL_HEARTBEATS);
  action.endsAt = Math.min(now + seconds * 1_000, action.beganAt + global * 1_000);
  action.heartbeats += 1;
}

function findActive(
  hooks: ReadonlyMap<string, HookInput>,
  actions: ReadonlyMap<string, Action>,
  call: SimCall,
): Action {
  const { input, identity, region, now } = call;
  const [group, name] = [textOf(input, "AutoScalingGroupName"), textOf(input, "LifecycleHookName")];
  const key = toKey({ account: identity.account, region, group, name });
  if (!hooks.has(key)) {
    throw validation(`No Lifecycle Hook found with name: ${name} and Auto Scaling group: ${group}`);
  }
  const token = findText(input, "LifecycleActionToken");
  const instanceId = findText(input, "InstanceId");
  const found = [...actions.values()].find(
    (each) =>
      toKey(each.hook) === key &&
      (token === undefined ? each.instanceId === instanceId : each.token === token) &&
      each.result === undefined &&
      now < each.endsAt,
  );
  if (found !== undefined) return found;
  const what = token === undefined ? `instance ID ${instanceId}` : `token ${token}`;
  throw validation(`No active Lifecycle Action found with ${what}`);
}

function toKey({ account, region, group, name }: Pick<HookInput, "account" | "region" | "group" | "name">): string {
  return [account, region, group, name].join("/");
}
