import type { AutoScalingState } from "./auto-scaling-state.ts";
import { toGroupKey } from "./group-key.ts";
import { judgeMember } from "./judge-member.ts";
import { scaleGroup } from "./scale-group.ts";
import type { SimGroup } from "./sim-group.ts";
import { STEPS } from "./step-member.ts";
import { removeAlarms } from "./tracking-alarms.ts";

/** Plays all groups up to an instant: nothing happens between calls, and everything has happened when one looks. */
export function catchUp(state: AutoScalingState, now: number): void {
  for (const group of state.groups.values()) {
    playGroup(state, group, now);
    // Load balancers may have been told otherwise meanwhile.
    for (const member of group.members) judgeMember(state, group, member, now);
    playGroup(state, group, now);
    forgetSources(state, group, now);
    if (group.isDeleting && group.members.length === 0) removeGroup(state, group);
  }
}

/** A group is gone, with its hooks and with alarms that are not somebody else's. */
export function removeGroup(state: AutoScalingState, group: SimGroup): void {
  const { groups, gone, lifecycle } = state;
  for (const policy of group.policies.values()) removeAlarms(state, group, policy);
  groups.delete(toGroupKey(group));
  gone.push(group);
  for (const [key, hook] of lifecycle.hooks) {
    const { account, region, group: name } = hook;
    if (toGroupKey({ account, region, name }) === toGroupKey(group)) lifecycle.hooks.delete(key);
  }
}

function playGroup(state: AutoScalingState, group: SimGroup, now: number): void {
  for (let at = nextAt(group); at <= now; at = nextAt(group)) {
    for (const member of group.members) if (member.nextAt <= at) STEPS[member.stage](state, group, member, at);
    if (group.scaleAt <= at) scaleGroup(state, group, at);
  }
}

function nextAt({ members, scaleAt }: SimGroup): number {
  return members.reduce((earliest, member) => Math.min(earliest, member.nextAt), scaleAt);
}

function forgetSources({ settings }: AutoScalingState, group: SimGroup, now: number): void {
  group.sources = group.sources.filter(
    ({ removedAt = Number.POSITIVE_INFINITY }) => now < removedAt + settings.removedVisibleMs,
  );
}
