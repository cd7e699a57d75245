import type { ServiceDeps } from "@stackyard/core";
import { decide, type Machine } from "@stackyard/core/machine";
import type { MappedEvent } from "./apply-mapping.ts";

/**
 * Returns why the stack of an event does not take it now, for the person who wrote the command. The event is published
 * all the same, and may be parked. The stack may have another revision, so this is no promise.
 */
export async function foreseeRefusal(
  { findStack, clock }: Pick<ServiceDeps, "findStack" | "clock">,
  machine: Machine,
  { event, stackId, metadata, machine: name }: MappedEvent,
): Promise<string | undefined> {
  const stack = await findStack(stackId);
  const at = clock.now();
  // The sender's own rights are checked by the yard, and named by it.
  const own = { ...machine, allow: new Map() };
  const message = { id: "foreseen", stackId, name: event, at, origin: "external", machine: name, metadata } as const;
  const decision = decide(own, stack, message);
  if (decision.kind === "applied") return undefined;
  const place = stack === undefined ? "there is no stack" : `the stack is in "${stack.state}"`;
  if (decision.code !== "EVENT_NOT_HANDLED") return `"${event}" is refused (${decision.code}): ${decision.reason}`;
  return `"${event}" does nothing now, because ${place}. It waits for up to an hour for a state that handles it.`;
}
