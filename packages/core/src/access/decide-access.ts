import { OLD_EXTRA_PERMISSIONS, type Permission, permissionsOf } from "./permissions.ts";

/** A part of a yard: both limits must fit. A missing limit means all. */
export interface Scope {
  /** Names of machines. */
  readonly machines?: readonly string[];
  /** Beginnings of stack ids. */
  readonly stacks?: readonly string[];
}

/** Permissions in a part of a yard. */
export interface Right extends Scope {
  readonly permissions: ReadonlySet<Permission>;
  /**
   * Machines with rights of their own, which this right does not reach by the ids of their stacks alone: it only lets their
   * stacks be read and approved. Missing: none.
   */
  readonly except?: ReadonlySet<string>;
}

/** Everything that a caller may do: the union of these. */
export type Rights = readonly Right[];

/** The subject of a request. `yard`: all of it, such as its metrics. */
export type AccessSubject =
  /**
   * Without a machine: the machine is unknown, as of a stack that does not exist. Then limits to machines never fit.
   */
  | { readonly kind: "stack"; readonly stackId: string; readonly machine?: string }
  /** The document of a machine. Limits to stack ids do not matter. */
  | { readonly kind: "machine"; readonly machine: string }
  | { readonly kind: "yard" };

/** `absent`: the caller may not read it either, so the response must be the one for something that does not exist. */
export type AccessDecision = "allowed" | "forbidden" | "absent";

/** The rights of identities that existed before grants, until a grant names them. */
export const OLD_RIGHTS: Rights = [{ permissions: new Set([...permissionsOf("admin"), ...OLD_EXTRA_PERMISSIONS]) }];

/** Decides whether a caller with these rights may do something with one subject. */
export function decideAccess(rights: Rights, permission: Permission, subject: AccessSubject): AccessDecision {
  if (rights.some((right) => includes(right, permission, subject))) return "allowed";
  if (subject.kind === "yard") return "forbidden";
  return rights.some((right) => includes(right, "read", subject)) ? "forbidden" : "absent";
}

/**
 * Returns the machine of the subject if it has rights of its own and only that denies the permission: the one who leads its
 * stacks on acts with these rights.
 */
export function findDelegate(rights: Rights, permission: Permission, subject: AccessSubject): string | undefined {
  const isHeld = rights.some((right) => right.permissions.has(permission) && isWithin(right, subject));
  const isDenied = decideAccess(rights, permission, subject) !== "allowed";
  return isHeld && isDenied && subject.kind !== "yard" ? subject.machine : undefined;
}

function includes(right: Right, permission: Permission, subject: AccessSubject): boolean {
  if (!right.permissions.has(permission) || !isWithin(right, subject)) return false;
  if (right.except === undefined || subject.kind === "yard" || subject.machine === undefined) return true;
  return SEEN.has(permission) || !right.except.has(subject.machine);
}

/** The permissions that do not lead a stack on, or for which its machine itself names people. */
const SEEN: ReadonlySet<Permission> = new Set(["read", "approve"]);

/** Returns whether a scope contains the subject. */
export function isWithin({ machines, stacks }: Scope, subject: AccessSubject): boolean {
  if (subject.kind === "yard") return machines === undefined && stacks === undefined;
  const { machine } = subject;
  if (machines !== undefined && (machine === undefined || !machines.includes(machine))) return false;
  if (subject.kind === "machine" || stacks === undefined) return true;
  return stacks.some((prefix) => subject.stackId.startsWith(prefix));
}

/**
 * Returns where a caller has a permission: empty for nowhere, one scope without limits for everywhere. Lists show items
 * within one of them.
 */
export function scopesOf(rights: Rights, permission: Permission): readonly Scope[] {
  const scopes = rights.filter(({ permissions }) => permissions.has(permission)).map(toScope);
  return scopes.some(isUnlimited) ? [{}] : scopes;
}

function toScope({ machines, stacks }: Scope): Scope {
  return { ...(machines && { machines }), ...(stacks && { stacks }) };
}

/** Returns whether a scope is the whole yard. */
export function isUnlimited({ machines, stacks }: Scope): boolean {
  return machines === undefined && stacks === undefined;
}

/**
 * Returns the permissions of the wanted right that the rights do not include in all of its scope; empty when it adds
 * nothing. A scope that only several rights together would cover counts as not covered.
 */
export function findExcess(rights: Rights, wanted: Right): readonly Permission[] {
  const machines = wanted.machines ?? [undefined];
  const stacks = wanted.stacks ?? [undefined];
  const parts = machines.flatMap((machine) => stacks.map((prefix) => ({ machine, prefix })));
  return [...wanted.permissions].filter((permission) => {
    const having = rights.filter(({ permissions }) => permissions.has(permission));
    return !parts.every((part) => having.some((right) => covers(right, part)));
  });
}

function covers(
  { machines, stacks, except }: Right,
  part: { readonly machine: string | undefined; readonly prefix: string | undefined },
): boolean {
  const { machine, prefix } = part;
  if (machine !== undefined && except?.has(machine)) return false;
  if (machines !== undefined && (machine === undefined || !machines.includes(machine))) return false;
  return stacks === undefined || (prefix !== undefined && stacks.some((each) => prefix.startsWith(each)));
}
