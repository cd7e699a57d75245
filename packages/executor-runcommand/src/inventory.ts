/** An inventory file, and the roles that it has a group for. */
export interface Inventory {
  readonly text: string;
  readonly roles: readonly string[];
}

/** Why a role tag makes no inventory. */
export interface InventoryFault {
  readonly code: "ROLE_NAME_INVALID" | "TOO_MANY_ROLES";
  /** The element that is no role's name. */
  readonly element?: string;
  readonly message: string;
}

const ROLE = /^[A-Za-z_][A-Za-z0-9_-]{0,62}$/;
/** All that Unicode calls so, and what JavaScript does besides. */
const WHITE_SPACE = /[\s\p{White_Space}]+/gu;
const MAX_ROLES = 50;
const HOST = "localhost ansible_connection=local";

/**
 * The Ansible inventory of one instance, by the value of its tag `Ansible_Roles`: a group for each role, which holds the
 * instance itself. No tag or a blank one: no groups. Whoever may tag an instance writes this file, so names are checked.
 */
export function inventory(tagValue: string | null | undefined): Inventory | InventoryFault {
  const elements = String(tagValue ?? "")
    .replace(WHITE_SPACE, "")
    .split(",");
  const roles = [...new Set(elements.filter((element) => element !== ""))];
  const invalid = roles.find((role) => !ROLE.test(role));
  if (invalid !== undefined) return toInvalidRole(invalid);
  if (roles.length > MAX_ROLES) {
    const message = `The tag names ${roles.length} roles; at most ${MAX_ROLES} are taken.`;
    return { code: "TOO_MANY_ROLES", message };
  }
  return { text: roles.map((role) => `[${role}]\n${HOST}\n`).join(""), roles };
}

function toInvalidRole(element: string): InventoryFault {
  const message = `${JSON.stringify(element)} is no role: use a letter or "_", then letters, digits, "_" and "-", at most 63 in all.`;
  return { code: "ROLE_NAME_INVALID", element, message };
}
