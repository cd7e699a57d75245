import { defined, type ServiceDeps, type ServiceUser } from "@stackyard/core";
import type { MappedEvent } from "./apply-mapping.ts";
import type { CodeHost } from "./code-host.ts";
import { CONVERGED } from "./converge.ts";
import type { Hook } from "./hook.ts";
import { HookFailed } from "./hook-errors.ts";
import type { FindPerson } from "./linked-people.ts";
import type { Mapping } from "./mapping.ts";

/** The dependencies of a decision about a delivery. */
export interface HandleDeps
  extends Pick<
    ServiceDeps,
    "records" | "queries" | "locator" | "clock" | "findStack" | "publish" | "foresee" | "approve"
  > {
  readonly mappings: readonly Mapping[];
  readonly findPerson: FindPerson;
  /** The code host, or undefined if its options do not allow look-ups. */
  readonly codeHost: CodeHost | undefined;
}

/** Returns the machine of an event. Throws `HookFailed` for one that the yard does not know. */
export async function findMachine({ locator }: HandleDeps, { machine }: MappedEvent, mapping: string) {
  const found = await locator.find(machine);
  if (found.kind !== "unknown") return found;
  throw new HookFailed(`HOOK_FAILED: document ${mapping}: machine: Unknown machine "${machine}".`);
}

/** Publishes an event for a user of the host. Throws `HookFailed` when no stack accepts it. */
export async function publish(
  deps: HandleDeps,
  event: MappedEvent & { readonly id: string },
  user: ServiceUser,
): Promise<void> {
  const { id, stackId, machine, metadata } = event;
  const result = await deps.publish({ id, stackId, machine, event: event.event, metadata }, user);
  if (result.kind === "invalid") throw new HookFailed(`HOOK_FAILED: ${event.rule}: ${result.reason}`);
}

/** Returns who caused an event, and the person of the yard to whom that user is linked. */
export function toUser({ findPerson }: HandleDeps, host: string, { action, sender, pull }: Hook): ServiceUser {
  // The latest editor of a pull request that was read is unknown; most likely its author.
  const by = action === CONVERGED ? { id: pull?.authorId ?? "", name: pull?.author ?? "" } : sender;
  const subject = findPerson(host, by)?.subject;
  return { id: `${host}/${sender.id}`, name: sender.name, ...defined({ subject }) };
}
