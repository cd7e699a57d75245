import { defined, type ServiceDeps, type ServiceUser } from "@stackyard/core";
import { SYSTEM_EVENTS } from "@stackyard/core/machine";
import type { CodeHost } from "../code-host.ts";
import type { MappedEvent } from "../mapping/apply-mapping.ts";
import type { Mapping } from "../mapping/mapping.ts";
import { CONVERGED } from "../poll/converge.ts";
import type { Hook } from "./hook.ts";
import { HookFailed } from "./hook-errors.ts";
import type { FindPerson } from "./linked-people.ts";

/** The dependencies of a decision about a delivery. */
export interface HandleDeps
  extends Pick<
    ServiceDeps,
    "records" | "queries" | "locator" | "clock" | "findStack" | "publish" | "foresee" | "approve" | "withdrawParked"
  > {
  readonly mappings: readonly Mapping[];
  readonly findPerson: FindPerson;
  /** The code host, or undefined if its options do not allow look-ups. */
  readonly codeHost: CodeHost | undefined;
  /** True if each pull request is reported to, also one without a preview. */
  readonly summarizes: boolean;
}

/** Returns the machine of an event. Throws `HookFailed` for one that the yard does not know. */
async function findMachine({ locator }: HandleDeps, { machine }: MappedEvent, mapping: string) {
  const found = await locator.find(machine);
  if (found.kind !== "unknown") return found;
  throw new HookFailed(`HOOK_FAILED: document ${mapping}: machine: Unknown machine "${machine}".`);
}

/**
 * Returns an event for the machine of the stack that exists: a document says what new stacks are made of. Throws
 * `HookFailed` for a new stack of a machine that the yard does not know.
 */
export async function toExisting(deps: HandleDeps, event: MappedEvent, mapping: string): Promise<MappedEvent> {
  const stack = await deps.findStack(event.stackId);
  // What opens while the stack is being removed opens the one after it.
  const isThere = stack !== undefined && (stack.endsFrom === undefined || event.rule !== "open");
  if (isThere) return { ...event, machine: stack.machine };
  await findMachine(deps, event, mapping);
  return event;
}

/** Returns true if the stack was there last until a person removed it by force. */
export async function isRemovedByPerson(
  { queries, findStack }: Pick<HandleDeps, "queries" | "findStack">,
  stackId: string,
): Promise<boolean> {
  if ((await findStack(stackId)) !== undefined) return false;
  const { items } = await queries.listHistory({ stackId, newestFirst: true }, LAST_LINES);
  const last = items.find(({ outcome }) => outcome === "applied" || outcome === "removed");
  return last?.event === SYSTEM_EVENTS.removeStack;
}

/** Events that no stack takes have lines, too. */
const LAST_LINES = { limit: 50, maxBytes: 65_536 };

/** Publishes an event for a user of the host. Throws `HookFailed` when no stack accepts it. */
export async function publish(
  deps: HandleDeps,
  event: MappedEvent & { readonly id: string },
  user: ServiceUser,
): Promise<void> {
  const { id, stackId, machine, metadata, commit } = event;
  const named = { id, stackId, machine, event: event.event, metadata, ...defined({ commit }) };
  const result = await deps.publish(named, user);
  if (result.kind === "invalid") throw new HookFailed(`HOOK_FAILED: ${event.rule}: ${result.reason}`);
}

/** Returns who caused an event, and the person of the yard to whom that user is linked. */
export function toUser({ findPerson }: HandleDeps, host: string, { action, sender, pull }: Hook): ServiceUser {
  // The latest editor of a pull request that was read is unknown; most likely its author.
  const by = action === CONVERGED ? { id: pull?.authorId ?? "", name: pull?.author ?? "" } : sender;
  const subject = findPerson(host, by)?.subject;
  return { id: `${host}/${sender.id}`, name: sender.name, ...defined({ subject }) };
}
