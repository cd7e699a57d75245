/** What a request may need. Every route of the API names one of these, `signed-in` or `public`. */
export type Permission =
  | "read"
  | "approve"
  | "send"
  | "operate"
  | "repair"
  | "states:read"
  | "states:write"
  | "secrets:read"
  | "audit"
  | "access";

/** A role includes the permissions of the roles before it. */
export type Role = "viewer" | "operator" | "maintainer" | "admin";

const ADDED: Readonly<Record<Role, readonly Permission[]>> = {
  viewer: ["read", "approve"],
  operator: ["send", "operate"],
  maintainer: ["repair"],
  admin: ["audit", "access"],
};

/** All roles, from the one with the fewest permissions to the one with the most. */
export const ROLES = Object.keys(ADDED) as readonly Role[];

/** Permissions that no role includes; a grant or a token names them in `also`. */
export const EXTRA_PERMISSIONS = [
  "states:read",
  "states:write",
  "secrets:read",
] as const satisfies readonly Permission[];

/** Returns the permissions of a role. */
export function permissionsOf(role: Role): ReadonlySet<Permission> {
  return new Set(ROLES.slice(0, ROLES.indexOf(role) + 1).flatMap((each) => ADDED[each]));
}
