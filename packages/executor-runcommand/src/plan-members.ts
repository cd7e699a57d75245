import type { FleetInstanceReport } from "./fleet-report.ts";
import { inventory } from "./inventory.ts";
import { toGroupKey } from "./next-action.ts";
import { type KnownInstance, type Platform, toPlatform } from "./select-instances.ts";

/** The tag that names an instance's roles, as in the predecessor. */
export const ROLES_TAG = "Ansible_Roles";

/** Instances, and which of them are part of the run. */
export interface FoundInstances {
  readonly instances: readonly KnownInstance[];
  readonly selected: readonly string[];
  readonly skipped: readonly { readonly instanceId: string; readonly code: string }[];
}

/** What the members of a run follow from. */
export interface PlanMembersInput {
  readonly found: FoundInstances;
  /** Platforms that there is a command for. */
  readonly platforms: ReadonlySet<Platform>;
  /** Roles are part of the command, so each instance's must make an inventory. */
  readonly byInventory: boolean;
}

/**
 * The instances of a run's report: first those to send to, neighbours where one command serves them; then those whose roles
 * make no inventory, then those that were skipped.
 */
export function planMembers({ found, platforms, byInventory }: PlanMembersInput): readonly FleetInstanceReport[] {
  const selected = new Set(found.selected);
  const members: FleetInstanceReport[] = [];
  for (const instance of found.instances) {
    if (!selected.delete(instance.instanceId)) continue;
    members.push(toMember(instance, { platforms, byInventory }));
  }
  const groups = Map.groupBy(members, (member) => `${rankOf(member)} ${toGroupKey(member, byInventory)}`);
  const skipped = found.skipped.map(({ instanceId, code }) => toSkipped(instanceId, code));
  const sorted = [...groups].toSorted(([a], [b]) => Number(a[0]) - Number(b[0]));
  return [...sorted.flatMap(([, group]) => group), ...skipped];
}

/** An instance that a run leaves alone. */
export function toSkipped(instanceId: unknown, code: string): FleetInstanceReport {
  return { instanceId: String(instanceId), state: "skipped", code, roles: [] };
}

function toMember(
  instance: KnownInstance,
  { platforms, byInventory }: Pick<PlanMembersInput, "platforms" | "byInventory">,
): FleetInstanceReport {
  const { instanceId, tags = [] } = instance;
  const platform = toPlatform(instance);
  const found = inventory(tags.find(({ key }) => key === ROLES_TAG)?.value);
  const roles = "code" in found ? [] : found.roles;
  if (!platforms.has(platform)) return { ...toSkipped(instanceId, "PLATFORM_MISMATCH"), roles, platform };
  if ("code" in found && byInventory) return { instanceId, state: "failed", code: found.code, roles, platform };
  return { instanceId, state: "not-sent", roles, platform };
}

function rankOf({ state }: FleetInstanceReport): number {
  return state === "not-sent" ? 0 : state === "failed" ? 1 : 2;
}
