import type { ServiceDeps } from "@stackyard/core";
import type { HookEvent } from "@stackyard/core/services";
import { isWaiting } from "./look-up.ts";
import type { QueuedHook } from "./receive.ts";

/** What the yard has decided about the events of a command. */
export type CommandEffect =
  | { readonly kind: "applied" | "undecided" }
  /** For the person who wrote it: why one of them did nothing. */
  | { readonly kind: "undone"; readonly reason: string };

/** Returns what the yard has decided about the events of a command. Until it has, waits for at most two minutes. */
export async function findEffect(
  { queries, clock }: Pick<ServiceDeps, "queries" | "clock">,
  queued: QueuedHook,
  events: readonly HookEvent[],
): Promise<CommandEffect> {
  for (const { id: eventId, stackId, event } of events) {
    const { items } = await queries.listHistory({ stackId, eventId, newestFirst: true }, { limit: 16 });
    const line = items.find(({ internal }) => internal !== true);
    if (line === undefined) {
      if (isWaiting(queued, clock.now())) return { kind: "undecided" };
      return { kind: "undone", reason: `The yard has not decided about "${event}" yet. It is applied later.` };
    }
    const { outcome, code, reason = "" } = line;
    if (outcome === "applied" || outcome === "removed") continue;
    const parked = `"${event}" does nothing now: ${reason} It waits for up to an hour for a state that handles it.`;
    return { kind: "undone", reason: outcome === "parked" ? parked : `"${event}" did nothing (${code}): ${reason}` };
  }
  return { kind: "applied" };
}
