import type { ServiceDeps } from "@stackyard/core";
import { type EventFate, findEventFate, type HookEvent } from "@stackyard/core/services";
import { isWaiting } from "./look-up.ts";
import type { QueuedHook } from "./receive.ts";

/** The yard's decision about the events of a command. */
export type CommandEffect =
  | { readonly kind: "applied" | "undecided" }
  /** For the person who wrote it: why one of them did nothing. */
  | { readonly kind: "undone"; readonly reason: string };

/** Returns what the yard has decided about the events of a command. Until it has, waits for at most two minutes. */
export async function findEffect(
  deps: Pick<ServiceDeps, "queries" | "clock">,
  queued: QueuedHook,
  events: readonly HookEvent[],
): Promise<CommandEffect> {
  for (const event of events) {
    const fate = await findEventFate(deps, event);
    if (fate.kind === "applied") continue;
    if (fate.kind === "undecided" && isWaiting(queued, deps.clock.now())) return { kind: "undecided" };
    return { kind: "undone", reason: formatFate(event.event, fate) };
  }
  return { kind: "applied" };
}

function formatFate(event: string, fate: Exclude<EventFate, { kind: "applied" }>): string {
  if (fate.kind === "undecided") return `The yard has not decided about "${event}" yet. It is applied later.`;
  const { kind, code, reason } = fate;
  if (kind === "parked") return `"${event}" does nothing now: ${reason} ${RETRIED}`;
  return `"${event}" did nothing (${code}): ${reason}${kind === "refused" ? ` ${RETRIED}` : ""}`;
}

const RETRIED = "It is sent again as soon as the stack takes it, for up to a day.";
