import { type Rejected, reject } from "../machine/decide/decision.ts";
import { isSystemEvent, type StackEvent } from "../machine/event-message.ts";
import { NEXT } from "../machine/machine.ts";
import type { HistoryRelease } from "../ports/stack-store.ts";
import type { Round } from "./round.ts";

/**
 * Returns why an event of a release is refused before its machine is looked up: it is too late, the stack has changed
 * since it was examined, or a release may not send it. A later change of the stack must not let it act, so such an event
 * is never kept.
 */
export function findReleaseFault(round: Round, event: StackEvent): Rejected | undefined {
  const { release, sender, name, stackId } = event;
  if (event.origin !== "stack") return undefined;
  if (release === undefined || sender?.kind !== "stack") return reject("EVENT_INVALID", "The event has no release.");
  if (isSystemEvent(name) || name === NEXT) {
    return reject("NOT_ALLOWED", `A release cannot send "${name}". It sends events that the machine declares.`);
  }
  if (sender.id === stackId) return reject("NOT_ALLOWED", `The release "${stackId}" cannot send events to itself.`);
  const { expiresAt = Number.POSITIVE_INFINITY, expect } = release;
  if (round.now > expiresAt) {
    const until = new Date(expiresAt).toISOString();
    return reject("EVENT_EXPIRED", `The event was valid until ${until}. The release examines the stack again.`);
  }
  if (expect === undefined || (round.loaded.version === expect && round.stack === round.loaded.stack)) return undefined;
  const found = expect === 0 ? "The stack did not exist" : `The stack had version ${expect}`;
  return reject("STACK_CHANGED", `${found} when the release examined it. The release examines it again.`);
}

/** Returns the release of an event as its history line keeps it. */
export function toHistoryRelease({
  release,
  sender,
}: Pick<StackEvent, "release" | "sender">): HistoryRelease | undefined {
  if (release === undefined || sender === undefined) return undefined;
  const { expect: _, expiresAt: __, ...note } = release;
  return { id: sender.id, machine: sender.machine ?? "", ...note };
}
