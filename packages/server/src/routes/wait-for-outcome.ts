import type { Clock, Store } from "@stackyard/core";
import type { StoredHistoryEntry } from "@stackyard/core/engine";
import type { ChangeBell } from "../watch/change-bell.ts";

const POLL_MS = 250;

/** The first line of an event's history, or undefined when there is none within the time. */
export async function waitForOutcome(
  deps: { readonly store: Store; readonly clock: Clock; readonly bell: ChangeBell },
  input: { readonly eventId: string; readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<StoredHistoryEntry | undefined> {
  const { eventId, timeoutMs, signal } = input;
  const until = deps.clock.now() + timeoutMs;
  for (;;) {
    const seen = deps.bell.count;
    const { items } = await deps.store.listHistory({ eventId }, { limit: 1 });
    const rest = until - deps.clock.now();
    if (items[0] !== undefined || rest <= 0 || signal.aborted) return items[0];
    await deps.bell.wait(seen, Math.min(POLL_MS, rest), signal);
  }
}
