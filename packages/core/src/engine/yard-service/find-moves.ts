import { StackyardError } from "../../errors/stackyard-error.ts";
import { listPages } from "../../list-pages.ts";
import { SYSTEM_EVENTS } from "../../machine/event-message.ts";
import type { Stack } from "../../machine/stack.ts";
import type { StoredHistoryEntry } from "../../ports/stack-store.ts";
import type { Store } from "../../ports/store.ts";

/** A step of a stack into another state. */
export interface StackMove {
  readonly from: string;
  readonly to: string;
  readonly at: number;
  /** All tasks of the state before had succeeded: nothing else has caused it. */
  readonly isSuccess: boolean;
}

const PAGE = 100;

/**
 * Returns the states that a stack has entered after an instant, oldest first. Throws `STORE_CORRUPT` for a line that cannot
 * be read: what it says is unknown.
 */
export async function findMoves(
  { queries }: Pick<Store, "queries">,
  { id: stackId, incarnation }: Pick<Stack, "id" | "incarnation">,
  since: number,
): Promise<readonly StackMove[]> {
  const moves: StackMove[] = [];
  const filter = { stackId, newestFirst: true };
  const pages = listPages((start) => queries.listHistory(filter, { limit: PAGE, ...start }));
  for await (const { items, unreadable = [] } of pages) {
    if (unreadable.length > 0) throw new StackyardError("STORE_CORRUPT", "A line of the history cannot be read.");
    const later = items.filter((line) => line.at > since && (line.incarnation ?? incarnation) === incarnation);
    moves.push(...later.flatMap(toMove));
    if (later.length < items.length) break;
  }
  return moves.toReversed();
}

function toMove({ outcome, event, from, to, at }: StoredHistoryEntry): readonly StackMove[] {
  if (outcome !== "applied" || from === undefined || to === undefined) return [];
  return [{ from, to, at, isSuccess: event === SYSTEM_EVENTS.taskCompleted }];
}
