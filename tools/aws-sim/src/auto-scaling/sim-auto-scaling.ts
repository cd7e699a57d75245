import type { Clock } from "@stackyard/core";
import { type AwsEvent, toLaunchEvent } from "../event-bridge/aws-events.ts";
import type { SimService } from "../sim-call.ts";
import { addConfiguration, addGroup, type GroupInput } from "./add-group.ts";
import { autoScalingFaults } from "./auto-scaling-faults.ts";
import { autoScalingOperations } from "./auto-scaling-operations.ts";
import { type AutoScalingDeps, type AutoScalingSettings, createAutoScalingState } from "./auto-scaling-state.ts";
import { catchUp } from "./catch-up.ts";
import { setDesired } from "./change-group.ts";
import { type GroupKey, toGroupKey } from "./group-key.ts";
import { type GroupView, toGroupView } from "./group-view.ts";
import type { LaunchScript } from "./launch-script.ts";
import { beginAction, type HookInput, outcomeOf, toHookKey } from "./lifecycle-hooks.ts";
import type { GroupMatch } from "./take-script.ts";

/** Groups that launch, register and replace instances by the clock. */
export interface SimAutoScaling {
  readonly service: SimService;
  /** How the next launches of some groups go: one script a launch, the last one for all others. What is said last counts. */
  script(match: GroupMatch, ...scripts: readonly LaunchScript[]): void;
  /** A group that has been there for a while; gives its name. */
  addGroup(input: GroupInput): string;
  addLaunchConfiguration(input: GroupKey): void;
  /** As somebody else would scale it. */
  setDesired(key: GroupKey, desired: number): void;
  findGroup(key: GroupKey): GroupView | undefined;
  /** Of one account and region. */
  listGroups(place: Omit<GroupKey, "name">): readonly GroupView[];
  /** Makes Auto Scaling later, slower or smaller. */
  set(settings: Partial<AutoScalingSettings>): void;
  /** Plays all groups up to an instant, for services that see their instances. */
  catchUp(now: number): void;
  addHook(input: HookInput): void;
  /** An instance comes to a hook (`Pending:Wait`): gives the action's token and the event that tells of it. */
  beginAction(input: { readonly hook: HookInput; readonly instanceId: string }): {
    readonly token: string;
    readonly event: AwsEvent;
  };
  findAction(token: string): ActionView | undefined;
}

/** How an action stands. */
export interface ActionView {
  readonly state: "waiting" | "CONTINUE" | "ABANDON";
  /** Nobody completed it in time. */
  readonly timedOut: boolean;
  readonly heartbeats: number;
  readonly endsAt: number;
}

/** Auto Scaling without groups. Source: Amazon EC2 Auto Scaling API reference and user guide, named beside each part. */
export function createAutoScaling({ clock, ...deps }: AutoScalingDeps & { readonly clock: Clock }): SimAutoScaling {
  const state = createAutoScalingState(deps);
  const { lifecycle, groups, scripts } = state;
  const listGroups = ({ account, region }: Omit<GroupKey, "name">) => {
    catchUp(state, clock.now());
    const own = [...groups.values()].filter((each) => each.account === account && each.region === region);
    return own.map(toGroupView);
  };
  return {
    service: {
      operations: autoScalingOperations(state),
      toAction: (operation) => `autoscaling:${operation}`,
      faults: autoScalingFaults,
    },
    script: (match, ...left) => void scripts.push({ match, left: [...left] }),
    addGroup: (input) => addGroup(state, input, clock.now()),
    addLaunchConfiguration: (input) => addConfiguration(state, input, clock.now()),
    setDesired(key, desired) {
      catchUp(state, clock.now());
      const group = groups.get(toGroupKey(key));
      if (group === undefined) throw new Error(`The simulation has no group ${key.name}.`);
      const words = "a user request explicitly set group desired capacity";
      setDesired(state, group, { desired, words, now: clock.now() });
    },
    findGroup: (key) => listGroups(key).find(({ name }) => name === key.name),
    listGroups,
    set(settings) {
      Object.assign(state.settings, settings);
      // A group that reacts at once would never come to an end of its replacements.
      state.settings.reactionMs = Math.max(1, state.settings.reactionMs);
    },
    catchUp: (now) => catchUp(state, now),
    addHook: (input) => void lifecycle.hooks.set(toHookKey(input), input),
    beginAction({ hook, instanceId }) {
      const now = clock.now();
      const { token } = beginAction(lifecycle, { hook, instanceId, now });
      const about = { token, group: hook.group, hook: hook.name, instanceId };
      return { token, event: toLaunchEvent({ ...hook, at: now }, about) };
    },
    findAction(token) {
      const action = lifecycle.actions.get(token);
      if (action === undefined) return;
      const { result, endsAt, heartbeats } = action;
      const now = clock.now();
      return { state: outcomeOf(action, now), timedOut: result === undefined && now >= endsAt, heartbeats, endsAt };
    },
  };
}
