import type { AutoScalingState } from "./auto-scaling-state.ts";
import { endInstance, launchInstance } from "./instances.ts";
import { isAlive, type SimGroup, type SimMember, toCauseTime } from "./sim-group.ts";
import { works } from "./suspended-processes.ts";

/** After a launch that failed the group waits, twice as long each time. AWS documents that it backs off, and no times. */
const FIRST_RETRY_MS = 60_000;
const MAX_RETRY_MS = 900_000;

/** Brings the group nearer to its desired capacity: one batch of launches, or what has to go. */
export function scaleGroup(state: AutoScalingState, group: SimGroup, at: number): void {
  group.scaleAt = Number.POSITIVE_INFINITY;
  if (group.isDeleting) return;
  const alive = group.members.filter(isAlive);
  const wanted = group.settings.desired - alive.length;
  if (wanted > 0 && works(group, "Launch")) scaleOut(state, group, { at, wanted, size: alive.length });
  if (wanted < 0 && works(group, "Terminate")) scaleIn(state, group, { at, alive, surplus: -wanted });
}

function scaleOut(
  state: AutoScalingState,
  group: SimGroup,
  { at, wanted, size }: { readonly at: number; readonly wanted: number; readonly size: number },
): void {
  const { batchSize, batchEveryMs } = state.settings;
  const count = Math.min(wanted, batchSize);
  const cause = takeCauses(group);
  const begun = group.activities.length;
  for (let index = 0; index < count; index += 1) {
    if (launchInstance(state, group, { at, cause }) !== undefined) continue;
    group.failures += 1;
    group.scaleAt = at + Math.min(FIRST_RETRY_MS * 2 ** (group.failures - 1), MAX_RETRY_MS);
    break;
  }
  if (group.scaleAt === Number.POSITIVE_INFINITY) {
    group.failures = 0;
    if (wanted > count) group.scaleAt = at + batchEveryMs;
  }
  const change = `, increasing the capacity from ${size} to ${size + count}.`;
  for (const activity of group.activities.slice(begun)) activity.cause += change;
}

function scaleIn(
  state: AutoScalingState,
  group: SimGroup,
  { at, alive, surplus }: { readonly at: number; readonly alive: readonly SimMember[]; readonly surplus: number },
): void {
  const leaving = chooseLeaving(group, alive).slice(0, surplus);
  const size = alive.length;
  const change = `shrinking the capacity from ${size} to ${size - leaving.length}`;
  const words = `${takeCauses(group)}At ${toCauseTime(at)} an instance was taken out of service in response to a difference between desired and actual capacity, ${change}.`;
  for (const member of leaving) {
    const cause = `${words}  At ${toCauseTime(at)} instance ${member.instanceId} was selected for termination.`;
    endInstance(state, group, member, { at, cause });
  }
  // What is protected stays, however often the group looks.
  group.scaleAt = Number.POSITIVE_INFINITY;
}

/**
 * Follows the user guide, "Control which Auto Scaling instances terminate during scale in": the zone with the most
 * first, then by age.
 */
function chooseLeaving({ settings }: SimGroup, alive: readonly SimMember[]): readonly SimMember[] {
  const isNewestFirst = settings.terminationPolicies[0] === "NewestInstance";
  const byAge = alive
    .filter(({ isProtected }) => !isProtected)
    .toSorted((left, right) => (left.launchedAt - right.launchedAt) * (isNewestFirst ? -1 : 1));
  const left = [...byAge];
  return byAge.flatMap(() => {
    const countOf = (zone: string) => left.filter(({ availabilityZone }) => availabilityZone === zone).length;
    const most = Math.max(...left.map(({ availabilityZone }) => countOf(availabilityZone)));
    const index = left.findIndex(({ availabilityZone }) => countOf(availabilityZone) === most);
    return left.splice(index, 1);
  });
}

function takeCauses(group: SimGroup): string {
  const words = group.changes.map((change) => `${change}  `).join("");
  group.changes = [];
  return words;
}
