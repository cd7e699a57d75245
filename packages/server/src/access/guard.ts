import { defined, findStateOwner, isUnreadable, type Locator, StackyardError, type Store } from "@stackyard/core";
import {
  type AccessSubject,
  decideAccess,
  findDelegate,
  isUnlimited,
  type Permission,
  type Right,
  type Rights,
  type RouteAccess,
  type RouteSubject,
  scopesOf,
} from "@stackyard/core/access";
import { formatUnknownMachine, JOB_MACHINE, parseAttemptId } from "@stackyard/core/machine";
import type { Caller } from "./caller.ts";
import { checkChannel } from "./channels.ts";

/** Checks whether callers may do what routes need. */
export interface Guard {
  /** Throws `FORBIDDEN` with the permission, `NO_GRANT`, or the error for something that does not exist. */
  check(access: RouteAccess, caller: Caller, params: Params): Promise<void>;
  /** Returns the subject of a stack id, with its machine where that matters for these rights. */
  findStack(rights: Rights, stackId: string): Promise<AccessSubject>;
  /** Returns the subject of an attempt, which may be of an earlier stack of that id; undefined for an invalid id. */
  findAttempt(rights: Rights, attemptId: string): Promise<AccessSubject | undefined>;
}

interface GuardDeps {
  readonly store: Store;
  readonly locator: Locator;
}

/** Creates the guard of a server. It looks a stack up only for callers that are limited to machines. */
export function createGuard({ store, locator }: GuardDeps): Guard {
  async function findStack(rights: Rights, stackId: string): Promise<AccessSubject> {
    const machine = rights.some(hasMachines) ? await findStackMachine(store, stackId) : undefined;
    return { kind: "stack", stackId, ...defined({ machine }) };
  }

  async function findAttempt(rights: Rights, attemptId: string): Promise<AccessSubject | undefined> {
    const parts = parseAttemptId(attemptId);
    if (parts === undefined) return undefined;
    const machine = rights.some(hasMachines)
      ? await findStackMachine(store, parts.stackId, parts.incarnation)
      : undefined;
    return { kind: "stack", stackId: parts.stackId, ...defined({ machine }) };
  }

  async function findSubject(subject: OneSubject, rights: Rights, params: Params): Promise<AccessSubject | undefined> {
    switch (subject) {
      case "yard":
        return { kind: "yard" };
      case "machine":
        return { kind: "machine", machine: params["name"] ?? "" };
      case "stack":
        return findStack(rights, params["stackId"] ?? "");
      case "attempt":
      case "approval":
        return findAttempt(rights, params[`${subject}Id`] ?? "");
      case "job":
        return { kind: "stack", stackId: params["jobId"] ?? "", machine: JOB_MACHINE };
      case "state":
        return toStateSubject(params["key"] ?? "");
    }
  }

  async function checkOne(
    access: { readonly permission: Permission; readonly subject: OneSubject },
    rights: Rights,
    params: Params,
  ) {
    const { permission, subject } = access;
    const found = await findSubject(subject, rights, params);
    const decision = found === undefined ? "absent" : decideAccess(rights, permission, found);
    if (decision === "allowed") return;
    if (decision === "forbidden")
      throw forbidden(permission, toDelegateHint(found && findDelegate(rights, permission, found)));
    if (subject === "machine") throw await toUnknownMachine(locator, rights, params["name"] ?? "");
    throw toAbsent(subject, permission, params);
  }

  return {
    findStack,
    findAttempt,
    async check(access, { rights, sender: { channel } }, params) {
      checkChannel(channel, access.permission);
      if (access.subject === "none") return;
      const { permission, subject } = access;
      if (hasEverywhere(rights, permission)) return;
      if (rights.length === 0) throw noGrant();
      if (subject === "list" && scopesOf(rights, permission).length === 0) throw forbidden(permission);
      if (subject !== "list" && subject !== "items") await checkOne({ permission, subject }, rights, params);
    },
  };
}

type Params = Readonly<Record<string, string>>;
type OneSubject = Exclude<RouteSubject, "list" | "items">;

/** Returns true if rights without limits include the permission, the common case; those of old identities do. */
export function hasEverywhere(rights: Rights, permission: Permission): boolean {
  return rights.some((right) => isUnlimited(right) && right.permissions.has(permission));
}

/** Returns true if rights include the permission for all stacks of a machine, also those that come later. */
export function hasWholeMachine(rights: Rights, permission: Permission, machine: string): boolean {
  return rights.some(({ permissions, machines, stacks }) => {
    return permissions.has(permission) && stacks === undefined && machines?.includes(machine) !== false;
  });
}

/** Throws `FORBIDDEN` for a caller who may not repair all stacks of a machine, also those that come later. */
export function checkWholeMachine({ rights }: Pick<Caller, "rights">, machine: string): void {
  if (!hasWholeMachine(rights, "repair", machine)) throw forbidden("repair", { machine });
}

const OF_EVENTS: readonly Permission[] = ["send", "operate", "repair", "approve"];

/** Returns whether a caller may send any event to any stack: the common case. */
export function mayPublishAll({ rights }: Pick<Caller, "rights">): boolean {
  return OF_EVENTS.every((permission) => hasEverywhere(rights, permission));
}

function hasMachines({ machines, except }: Right): boolean {
  return machines !== undefined || except !== undefined;
}

/** Returns the subject of a state's key; undefined for keys that are not of a stack. */
export function toStateSubject(key: string): AccessSubject | undefined {
  const owner = findStateOwner(key);
  return owner && { kind: "stack", ...owner };
}

/** Returns the machine of a stack's incarnation; by default of the present one, or the last one of a removed stack. */
export async function findStackMachine(
  store: Store,
  stackId: string,
  incarnation?: string,
): Promise<string | undefined> {
  try {
    const [loaded] = await store.load([stackId]);
    const { stack } = loaded ?? {};
    const isMeant = incarnation === undefined || incarnation === stack?.incarnation.toWellFormed();
    if (stack !== undefined && isMeant) return stack.machine;
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
  // An incarnation has the id of the event that has begun it.
  const filter = incarnation === undefined ? { stackId, newestFirst: true } : { stackId, eventId: incarnation };
  const { items } = await store.queries.listHistory(filter, { limit: LINES });
  const hash = items.find(({ machineHash }) => machineHash !== undefined)?.machineHash;
  return hash === undefined ? undefined : (await store.revisions.get(hash))?.name;
}

// Lines about events that came after the removal have no machine.
const LINES = 16;

function noGrant(): StackyardError {
  return new StackyardError("NO_GRANT", "No grant gives you access to this yard. Ask its administrators for one.");
}

/** Returns the hint of a refusal for which a grant of the machine is missing. */
export function toDelegateHint(machine: string | undefined): { readonly hint?: string } {
  if (machine === undefined) return {};
  return { hint: `The machine "${machine}" has rights of its own. A grant must name it in "machines".` };
}

/** Returns the error for an operation that the caller may not perform on something it may read. */
export function forbidden(permission: Permission, details: Readonly<Record<string, unknown>> = {}): StackyardError {
  return new StackyardError("FORBIDDEN", `This needs the permission "${permission}", which you do not have here.`, {
    details: { permission, ...details },
  });
}

/** Returns the error for something that does not exist, also for subjects that the caller may not read. */
function toAbsent(
  subject: RouteSubject,
  permission: Permission,
  { stackId, attemptId, approvalId, jobId, key }: Params,
): StackyardError {
  if (subject === "stack") return new StackyardError("STACK_UNKNOWN", `Stack "${stackId}" does not exist.`);
  if (subject === "attempt") return new StackyardError("NOT_FOUND", `Attempt "${attemptId}" not found.`);
  if (subject === "approval") return new StackyardError("NOT_FOUND", `Approval "${approvalId}" not found.`);
  if (subject === "state") return new StackyardError("NOT_FOUND", `Terraform state "${key}" not found.`);
  // A job that is to be started is nowhere yet.
  if (jobId === undefined) return forbidden(permission);
  return new StackyardError("NOT_FOUND", `Job "${jobId}" not found.`);
}

/** Returns `MACHINE_UNKNOWN` with the most similar name among those that the caller may read. */
export async function toUnknownMachine(locator: Locator, rights: Rights, name: string): Promise<StackyardError> {
  const listed = (await locator.list()).map((machine) => machine.name);
  const names = listed.filter((machine) => decideAccess(rights, "read", { kind: "machine", machine }) === "allowed");
  return new StackyardError("MACHINE_UNKNOWN", formatUnknownMachine(name, names));
}
