import { SYSTEM_EVENTS } from "../machine/event-message.ts";
import { NEXT } from "../machine/machine.ts";

/** The permissions that requests require. Every route of the API names one of these, `signed-in` or `public`. */
export type Permission =
  | "read"
  | "approve"
  | "send"
  | "operate"
  | "repair"
  | "results"
  | "states:read"
  | "states:write"
  | "secrets:read"
  | "approvals:settle"
  | "audit"
  | "access";

/** A role includes the permissions of the roles before it. */
export type Role = "viewer" | "operator" | "maintainer" | "admin";

const ADDED: Readonly<Record<Role, readonly Permission[]>> = {
  viewer: ["read", "approve"],
  operator: ["send", "operate"],
  maintainer: ["repair", "results"],
  admin: ["audit", "access"],
};

/** All roles, from the one with the fewest permissions to the one with the most. */
export const ROLES = Object.keys(ADDED) as readonly Role[];

/** Permissions that no role includes; a grant or a token names them in `also`. */
export const EXTRA_PERMISSIONS = [
  "states:read",
  "states:write",
  "secrets:read",
  "approvals:settle",
] as const satisfies readonly Permission[];

/** The permissions of these that a configured token has where no grant says who may do what. */
export const OLD_EXTRA_PERMISSIONS = EXTRA_PERMISSIONS.filter((each) => each !== "secrets:read");

/** All permissions, in the order of the roles that include them. */
export const PERMISSIONS: readonly Permission[] = [...Object.values(ADDED).flat(), ...EXTRA_PERMISSIONS];

/** Returns the permissions of a role. */
export function permissionsOf(role: Role): ReadonlySet<Permission> {
  return new Set(ROLES.slice(0, ROLES.indexOf(role) + 1).flatMap((each) => ADDED[each]));
}

const OF_EVENTS: ReadonlyMap<string, Permission> = new Map<string, Permission>([
  [SYSTEM_EVENTS.retryFailedTasks, "operate"],
  [SYSTEM_EVENTS.retryPendingTasks, "operate"],
  [SYSTEM_EVENTS.cancelTask, "operate"],
  [SYSTEM_EVENTS.acknowledgeFailure, "operate"],
  [SYSTEM_EVENTS.settleTask, "repair"],
  [SYSTEM_EVENTS.removeStack, "repair"],
  [SYSTEM_EVENTS.upgradeStack, "repair"],
  [NEXT, "repair"],
  // The sender of a task's result decides what became of it, as a person does who settles it.
  [SYSTEM_EVENTS.taskCompleted, "results"],
  [SYSTEM_EVENTS.taskError, "results"],
  // Operators' events of approvals; the machine names the groups.
  ["APPROVE_TASK", "approve"],
  ["REJECT_TASK", "approve"],
  ["WITHDRAW_APPROVAL", "approve"],
]);

/**
 * Returns the permission that sending an event needs: that of its operation, or `send`. See `decideEvent`.
 */
export function permissionOfEvent(name: string): Permission {
  return OF_EVENTS.get(name) ?? "send";
}
