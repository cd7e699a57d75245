import type { StoredHistoryEntry } from "../ports/stack-store.ts";
import type { StackQueries } from "../ports/store.ts";

/** An event has few lines: when it was parked, its end, and those of its second deliveries. */
const MOST_LINES = 16;

/**
 * Returns the line of the last decision about a sender's event; undefined before the first. Lines of the engine may have
 * the same id, and a second delivery says nothing about the event.
 */
export async function findLastDecision(
  { queries }: { readonly queries: Pick<StackQueries, "listHistory"> },
  { stackId, eventId }: { readonly stackId: string; readonly eventId: string },
): Promise<StoredHistoryEntry | undefined> {
  const { items } = await queries.listHistory({ stackId, eventId, newestFirst: true }, { limit: MOST_LINES });
  return items.find(({ internal, code }) => internal !== true && code !== "DUPLICATE");
}
