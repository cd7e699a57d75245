import type { SimEc2 } from "../ec2/sim-ec2.ts";
import type { AwsEvent } from "../event-bridge.ts";
import { isOwn, type NamedResource, placeOf, type SimCall, toKey } from "../sim-call.ts";
import type { LifecycleHooks } from "./lifecycle-hooks.ts";
import type { PolicyAlarms } from "./policy-alarms.ts";
import { autoScalingFaults as faults, type SimGroup, type TrafficSources } from "./sim-group.ts";
import type { ScriptEntry } from "./take-script.ts";

/** All that Auto Scaling keeps, and what it works with. */
export interface AutoScalingState extends AutoScalingDeps {
  readonly groups: Map<string, SimGroup>;
  /** Deleted groups: their activities can still be read. */
  readonly gone: SimGroup[];
  readonly configurations: Map<string, LaunchConfiguration>;
  readonly lifecycle: LifecycleHooks;
  readonly scripts: ScriptEntry[];
  readonly settings: AutoScalingSettings;
}

/** The services that groups need. */
export interface AutoScalingDeps {
  readonly ec2: SimEc2;
  readonly traffic: TrafficSources;
  readonly alarms: PolicyAlarms;
  onEvent(event: AwsEvent): void;
}

/** How fast and how large Auto Scaling is. AWS documents no times; these are what is usual. */
export interface AutoScalingSettings {
  /** How long Describe operations do not know a new group. */
  describeLagMs: number;
  /** From a change of the capacity to the first launch. At least 1. */
  reactionMs: number;
  /** From `shutting-down` to `terminated`. */
  terminateMs: number;
  /** Instances that are launched at once, and how long the next ones wait. */
  batchSize: number;
  batchEveryMs: number;
  /** How long a load balancer is still listed as `Removed`. */
  removedVisibleMs: number;
  /** User guide, "Quotas": 500 groups and 200 launch configurations a Region. */
  quotas: { readonly groups: number; readonly configurations: number };
}

/** A launch configuration, of which old accounts have some. */
export interface LaunchConfiguration extends NamedResource {
  readonly createdAt: number;
  readonly input: Readonly<Record<string, unknown>>;
}

/** Creates an empty state. */
export function createAutoScalingState(deps: AutoScalingDeps): AutoScalingState {
  return {
    ...deps,
    groups: new Map(),
    gone: [],
    configurations: new Map(),
    scripts: [],
    lifecycle: { hooks: new Map(), actions: new Map() },
    settings: {
      describeLagMs: 0,
      reactionMs: 1_000,
      terminateMs: 30_000,
      batchSize: 20,
      batchEveryMs: 1_000,
      removedVisibleMs: 60_000,
      quotas: { groups: 500, configurations: 200 },
    },
  };
}

/** Returns the caller's group, in any state. */
export function groupOf({ groups }: AutoScalingState, name: string, call: SimCall): SimGroup {
  const group = groups.get(toKey({ ...placeOf(call), name }));
  if (group === undefined) throw faults.noGroup(name);
  return group;
}

/** Returns the caller's group unless it is being deleted. */
export function standingGroupOf(state: AutoScalingState, name: string, call: SimCall): SimGroup {
  const group = groupOf(state, name, call);
  if (group.isDeleting) throw faults.invalid("The AutoScaling group may not be modified while it is pending delete");
  return group;
}

/** Returns the caller's groups that Describe operations return, by name. */
export function ownGroups({ groups }: AutoScalingState, call: SimCall): readonly SimGroup[] {
  return [...groups.values()]
    .filter((each) => isOwn(each, call) && each.visibleAt <= call.now)
    .toSorted((left, right) => (left.name < right.name ? -1 : 1));
}
