import { findLastDecision } from "../inspect/last-decision.ts";
import type { StoredHistoryEntry } from "../ports/stack-store.ts";
import type { StackQueries } from "../ports/store.ts";

/**
 * The decision of the yard about an event.
 * - `undecided`: nothing yet. `parked`: it is refused now, and decided again for a while.
 * - `applied`: also when it has removed its stack. `repeated`: the stack does already what it requests.
 * - `refused`: it has changed nothing, and is not decided again by itself. Everything else counts as refused.
 */
export type EventFate =
  | { readonly kind: "undecided" }
  | { readonly kind: "applied" }
  | { readonly kind: "parked"; readonly code: string; readonly reason: string }
  | { readonly kind: "repeated"; readonly code: string; readonly reason: string }
  | { readonly kind: "refused"; readonly code: string; readonly reason: string };

type FateLine = Pick<StoredHistoryEntry, "outcome" | "code" | "reason" | "repeats">;

/** Returns the fate of an event from the line of its last decision. One that repeats a parked event waits with it. */
export function toEventFate(line: FateLine | undefined): EventFate {
  if (line === undefined) return { kind: "undecided" };
  const { outcome, code = "", reason = "", repeats } = line;
  if (outcome === "applied" || outcome === "removed") return { kind: "applied" };
  if (code === "EVENT_REPEATED" && repeats === undefined) return { kind: "repeated", code, reason };
  return outcome === "parked" || repeats !== undefined
    ? { kind: "parked", code, reason }
    : { kind: "refused", code, reason };
}

/** Reads the fate of an event from the history of its stack: that of the parked event which it has repeated. */
export async function findEventFate(
  deps: { readonly queries: Pick<StackQueries, "listHistory"> },
  { stackId, id: eventId }: { readonly stackId: string; readonly id: string },
): Promise<EventFate> {
  const line = await findLastDecision(deps, { stackId, eventId });
  return line?.repeats === undefined ? toEventFate(line) : findEventFate(deps, { stackId, id: line.repeats });
}
