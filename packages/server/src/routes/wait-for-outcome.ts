import type { Clock, Store } from "@stackyard/core";
import type { StoredHistoryEntry } from "@stackyard/core/engine";
import type { ChangeBell } from "../watch/change-bell.ts";

const POLL_MS = 250;

/** Names an event: other stacks may use its id too. */
export interface EventIds {
  readonly eventId: string;
  readonly stackId: string;
}

/** The first line of the history of a sender's event, or undefined when there is none within the time. */
export async function waitForOutcome(
  deps: { readonly store: Store; readonly clock: Clock; readonly bell: ChangeBell },
  input: EventIds & { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<StoredHistoryEntry | undefined> {
  const { eventId, stackId, timeoutMs, signal } = input;
  const until = deps.clock.now() + timeoutMs;
  for (;;) {
    const seen = deps.bell.count;
    const line = await findSentLine(deps.store, { eventId, stackId });
    const rest = until - deps.clock.now();
    if (line !== undefined || rest <= 0 || signal.aborted) return line;
    await deps.bell.wait(seen, Math.min(POLL_MS, rest), signal);
  }
}

// A worker, a timer or a deadline brings one event under an id, and such an event has a few lines at the most.
const LINES = 16;

/** The first line about an event of a sender. A result or a timer may have the same id: its lines are not about this one. */
export async function findSentLine(
  store: Store,
  { eventId, stackId }: EventIds,
): Promise<StoredHistoryEntry | undefined> {
  const { items } = await store.queries.listHistory({ eventId, stackId }, { limit: LINES });
  return items.find(({ internal }) => internal !== true);
}
