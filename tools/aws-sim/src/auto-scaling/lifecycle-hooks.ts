import { randomUUID } from "node:crypto";
import { type NamedResource, type Place, toKey } from "../sim-call.ts";

/** A lifecycle hook. */
export interface HookInput extends Place {
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
export type HookTransition = "autoscaling:EC2_INSTANCE_LAUNCHING" | "autoscaling:EC2_INSTANCE_TERMINATING";
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

/** Returns the key of a hook in a map. */
export function toHookKey({ group, name, ...place }: Pick<HookInput, "account" | "region" | "group" | "name">): string {
  return toKey({ ...place, name: `${group}\n${name}` });
}

/** Returns the hooks of a group, for one transition or all. */
export function hooksOf(
  { hooks }: LifecycleHooks,
  key: NamedResource,
  transition?: HookTransition,
): readonly HookInput[] {
  return [...hooks.values()].filter(
    (hook) =>
      hook.account === key.account &&
      hook.region === key.region &&
      hook.group === key.name &&
      (transition === undefined || transitionOf(hook) === transition),
  );
}

/** Returns the transition at which a hook holds an instance. */
export function transitionOf({ transition = "autoscaling:EC2_INSTANCE_LAUNCHING" }: HookInput): HookTransition {
  return transition;
}

/** Returns how long a hook waits from one heartbeat to the next, and at most. */
export function limitsOf({ heartbeatSeconds = HEARTBEAT_SECONDS }: HookInput) {
  return { heartbeatSeconds, globalSeconds: Math.min(GLOBAL_SECONDS, heartbeatSeconds * GLOBAL_HEARTBEATS) };
}

/** Begins the action of a hook on an instance. */
export function beginAction(
  { actions }: LifecycleHooks,
  { hook, instanceId, now }: { readonly hook: HookInput; readonly instanceId: string; readonly now: number },
): LifecycleAction {
  const action: LifecycleAction = { hook, instanceId, token: randomUUID(), beganAt: now, endsAt: 0, heartbeats: -1 };
  beat(action, now);
  actions.set(action.token, action);
  return action;
}

/** Extends the wait, up to the hook's limit. */
export function beat(action: LifecycleAction, now: number): void {
  const { heartbeatSeconds, globalSeconds } = limitsOf(action.hook);
  action.endsAt = Math.min(now + heartbeatSeconds * 1_000, action.beganAt + globalSeconds * 1_000);
  action.heartbeats += 1;
}

/** Returns its state at a given time. */
export function outcomeOf({ result, endsAt, hook }: LifecycleAction, now: number): "waiting" | HookResult {
  return result ?? (now < endsAt ? "waiting" : (hook.defaultResult ?? "ABANDON"));
}
