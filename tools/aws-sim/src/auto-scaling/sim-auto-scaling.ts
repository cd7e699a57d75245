import type { Clock } from "@stackyard/core";
import type { AwsEvent } from "../event-bridge.ts";
import { type NamedResource, type Place, type SimCall, type SimService, toKey } from "../sim-call.ts";
import {
  type AutoScalingDeps,
  type AutoScalingSettings,
  type AutoScalingState,
  createAutoScalingState,
} from "./auto-scaling-state.ts";
import { catchUp, deleteGroup, enableMetrics, setDesired, terminateInstance, updateGroup } from "./change-group.ts";
import { completeAction, describeHooks, recordHeartbeat } from "./change-hooks.ts";
import { addConfiguration, addGroup, createGroup, type GroupInput } from "./create-group.ts";
import { describeActivities } from "./describe-activities.ts";
import { describeGroups, type GroupView, toGroupView } from "./describe-groups.ts";
import { createOrUpdateTags, deleteTags } from "./group-tags.ts";
import { toHookEvent } from "./instances.ts";
import { deleteConfiguration, describeConfigurations, describeLimits } from "./launch-configurations.ts";
import { beginAction, type HookInput, outcomeOf, toHookKey } from "./lifecycle-hooks.ts";
import { describePolicies, putPolicy } from "./policies.ts";
import { autoScalingFaults, type LaunchScript } from "./sim-group.ts";
import { resumeProcesses, setInstanceProtection, suspendProcesses } from "./suspended-processes.ts";
import type { GroupMatch } from "./take-script.ts";
import { attachSources, describeSources, detachSources } from "./traffic-operations.ts";

/** Groups that launch, register and replace instances by the clock. */
export interface SimAutoScaling {
  readonly service: SimService;
  /**
   * Scripts the next launches of some groups: one script a launch, the last one for all others. What is said last
   * counts.
   */
  script(match: GroupMatch, ...scripts: readonly LaunchScript[]): void;
  /** Adds a group that has existed for a while; returns its name. */
  addGroup(input: GroupInput): string;
  addLaunchConfiguration(input: NamedResource): void;
  /** Scales a group as another caller would. */
  setDesired(key: NamedResource, desired: number): void;
  findGroup(key: NamedResource): GroupView | undefined;
  /** Returns the groups of one account and region. */
  listGroups(place: Place): readonly GroupView[];
  /** Makes Auto Scaling later, slower or smaller. */
  set(settings: Partial<AutoScalingSettings>): void;
  /** Plays all groups up to an instant, for services that see their instances. */
  catchUp(now: number): void;
  addHook(input: HookInput): void;
  /** Stops an instance at a hook (`Pending:Wait`). Returns the action's token and its event. */
  beginAction(input: { readonly hook: HookInput; readonly instanceId: string }): {
    readonly token: string;
    readonly event: AwsEvent;
  };
  findAction(token: string): ActionView | undefined;
}

/** How an action stands. */
interface ActionView {
  readonly state: "waiting" | "CONTINUE" | "ABANDON";
  /** It was not completed in time. */
  readonly timedOut: boolean;
  readonly heartbeats: number;
  readonly endsAt: number;
}

/**
 * Creates Auto Scaling without groups. Sources: Amazon EC2 Auto Scaling API reference and user guide, cited at each
 * part.
 */
export function createAutoScaling({ clock, ...deps }: AutoScalingDeps & { readonly clock: Clock }): SimAutoScaling {
  const state = createAutoScalingState(deps);
  const { lifecycle, groups, scripts } = state;
  const listGroups = ({ account, region }: Place) => {
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
      const group = groups.get(toKey(key));
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
      const action = beginAction(lifecycle, { hook, instanceId, now: clock.now() });
      const arn = `arn:aws:autoscaling:${hook.region}:${hook.account}:autoScalingGroup:00000000-0000-4000-8000-000000000000:autoScalingGroupName/${hook.group}`;
      return { token: action.token, event: toHookEvent(arn, action) };
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

type Serve = (state: AutoScalingState, call: SimCall) => unknown;

const SERVES: Readonly<Record<string, Serve>> = {
  AttachLoadBalancers: (state, call) => attachSources(state, call, "classic"),
  AttachLoadBalancerTargetGroups: (state, call) => attachSources(state, call, "targetGroup"),
  CompleteLifecycleAction: completeAction,
  CreateAutoScalingGroup: createGroup,
  CreateOrUpdateTags: createOrUpdateTags,
  DeleteAutoScalingGroup: deleteGroup,
  DeleteLaunchConfiguration: deleteConfiguration,
  DeleteTags: deleteTags,
  DescribeAccountLimits: describeLimits,
  DescribeAutoScalingGroups: describeGroups,
  DescribeLaunchConfigurations: describeConfigurations,
  DescribeLifecycleHooks: describeHooks,
  DescribeLoadBalancers: (state, call) => describeSources(state, call, "classic"),
  DescribeLoadBalancerTargetGroups: (state, call) => describeSources(state, call, "targetGroup"),
  DescribePolicies: describePolicies,
  DescribeScalingActivities: describeActivities,
  DetachLoadBalancers: (state, call) => detachSources(state, call, "classic"),
  DetachLoadBalancerTargetGroups: (state, call) => detachSources(state, call, "targetGroup"),
  EnableMetricsCollection: enableMetrics,
  PutScalingPolicy: putPolicy,
  RecordLifecycleActionHeartbeat: recordHeartbeat,
  ResumeProcesses: resumeProcesses,
  SetInstanceProtection: setInstanceProtection,
  SuspendProcesses: suspendProcesses,
  TerminateInstanceInAutoScalingGroup: terminateInstance,
  UpdateAutoScalingGroup: updateGroup,
};

/** Serves the operations of Auto Scaling; each call sees all that has happened until then. */
function autoScalingOperations(state: AutoScalingState): SimService["operations"] {
  const served = Object.entries(SERVES).map(([name, serve]) => {
    const operation = (call: SimCall) => {
      catchUp(state, call.now);
      return serve(state, call);
    };
    return [name, operation] as const;
  });
  return Object.fromEntries(served);
}
