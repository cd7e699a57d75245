import { placeOf, type SimCall, textOf, textsOf } from "../sim-call.ts";
import { type AutoScalingState, groupOf, standingGroupOf } from "./auto-scaling-state.ts";
import { toRecordsPage } from "./describe-activities.ts";
import { type AttachedSource, autoScalingFaults as faults, type SimGroup, type TrafficSourceRef } from "./sim-group.ts";

type Kind = TrafficSourceRef["kind"];

/** "AttachLoadBalancers", "AttachLoadBalancerTargetGroups" and their opposites: "up to 10" a call. */
const MAX_CHANGED = 10;
/** User guide, "Quotas": classic load balancers and target groups of a group. */
const MAX_ATTACHED = 50;
const FIELDS: Readonly<Record<Kind, string>> = { classic: "LoadBalancerNames", targetGroup: "TargetGroupARNs" };
const NAMES: Readonly<Record<Kind, string>> = { classic: "Load Balancers", targetGroup: "Target Groups" };

/** Returns the load balancers named in a request. */
export function toRefs(call: SimCall, kind: Kind, ids: readonly string[]): readonly TrafficSourceRef[] {
  return [...new Set(ids)].map((id) => ({ ...placeOf(call), kind, id }));
}

/** Refuses load balancers that are not there, and too many. */
export function checkSources({ traffic }: AutoScalingState, refs: readonly TrafficSourceRef[]): void {
  const missing = refs.find((ref) => !traffic.exists(ref));
  if (missing !== undefined) {
    throw faults.invalid(`Provided ${NAMES[missing.kind]} may not be valid. Please ensure they exist and try again.`);
  }
  for (const group of Map.groupBy(refs, ({ kind }) => kind).values()) {
    if (group.length > MAX_ATTACHED) throw faults.limit(`A group can have at most ${MAX_ATTACHED} of them.`);
  }
}

/** Implements AttachLoadBalancers, AttachLoadBalancerTargetGroups: instances in service are registered. */
export function attachSources(state: AutoScalingState, call: SimCall, kind: Kind): unknown {
  const group = standingGroupOf(state, textOf(call.input, "AutoScalingGroupName"), call);
  const refs = readRefs(call, kind);
  const attached = group.sources.filter(({ removedAt }) => removedAt === undefined);
  const fresh = refs.filter((ref) => !attached.some((each) => isSame(each, ref)));
  checkSources(state, [...attached.map(({ ref }) => ref), ...fresh]);
  const kept = group.sources.filter((each) => !fresh.some((ref) => isSame(each, ref)));
  group.sources = [...kept, ...fresh.map((ref) => ({ ref, attachedAt: call.now, removedAt: undefined }))];
  for (const { stage, instanceId, course } of group.members) {
    if (stage !== "serving" || course === undefined) continue;
    const healthyAt = Math.max(course.healthyAt, call.now);
    for (const ref of fresh) state.traffic.register(ref, instanceId, { ...course, healthyAt });
  }
  return {};
}

/**
 * Implements DetachLoadBalancers, DetachLoadBalancerTargetGroups: instances are deregistered, which takes as long as
 * they drain.
 */
export function detachSources(state: AutoScalingState, call: SimCall, kind: Kind): unknown {
  const group = standingGroupOf(state, textOf(call.input, "AutoScalingGroupName"), call);
  const refs = readRefs(call, kind);
  if (refs.some((ref) => !group.sources.some((each) => isSame(each, ref)))) {
    throw faults.invalid(`Trying to remove ${NAMES[kind]} that are not part of the group`);
  }
  const serving = group.members.filter(({ stage }) => stage === "serving");
  group.sources = group.sources.map((source) => {
    if (source.removedAt !== undefined || !refs.some((ref) => isSame(source, ref))) return source;
    const drained = serving.map(({ instanceId }) => state.traffic.deregister(source.ref, instanceId, call.now));
    return { ...source, removedAt: Math.max(call.now, ...drained) };
  });
  return {};
}

/**
 * Implements DescribeLoadBalancers, DescribeLoadBalancerTargetGroups: also those that are being removed, or just were.
 */
export function describeSources(state: AutoScalingState, call: SimCall, kind: Kind): unknown {
  const group = groupOf(state, textOf(call.input, "AutoScalingGroupName"), call);
  const found = group.sources.filter(({ ref }) => ref.kind === kind);
  const { rows, next } = toRecordsPage(found, call, { usual: 100, max: 100 });
  const described = rows.map((source) => ({ id: source.ref.id, State: toState(state, group, source, call.now) }));
  return kind === "classic"
    ? { LoadBalancers: described.map(({ id, State }) => ({ LoadBalancerName: id, State })), ...next }
    : {
        LoadBalancerTargetGroups: described.map(({ id, State }) => ({ LoadBalancerTargetGroupARN: id, State })),
        ...next,
      };
}

/** Follows the API reference, "LoadBalancerTargetGroupState" and "LoadBalancerState", State. */
function toState(
  { traffic, settings }: AutoScalingState,
  { members }: SimGroup,
  { ref, attachedAt, removedAt }: AttachedSource,
  now: number,
): string {
  if (removedAt !== undefined) return now < removedAt ? "Removing" : "Removed";
  if (now < attachedAt + settings.reactionMs) return "Adding";
  return members.some(({ instanceId }) => traffic.isHealthy(ref, instanceId, now)) ? "InService" : "Added";
}

function readRefs(call: SimCall, kind: Kind): readonly TrafficSourceRef[] {
  const ids = textsOf(call.input, FIELDS[kind]);
  if (ids.length > MAX_CHANGED) {
    throw faults.constraint(FIELDS[kind], ids.length, `have length less than or equal to ${MAX_CHANGED}`);
  }
  return toRefs(call, kind, ids);
}

function isSame({ ref }: AttachedSource, { kind, id }: TrafficSourceRef): boolean {
  return ref.kind === kind && ref.id === id;
}
