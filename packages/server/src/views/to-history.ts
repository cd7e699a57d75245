import { type SetAsideEvent as SetAside, type StoredHistoryEntry, toPrinted } from "@stackyard/core/engine";
import { toInstant } from "../schemas/common.ts";
import type { HistoryEntry, SetAsideEvent } from "../schemas/history.ts";

/** A line of the history as the API shows it. */
export function toHistoryEntry(stored: StoredHistoryEntry): HistoryEntry {
  const entry = toPrinted.entry(stored);
  return { ...entry, at: toInstant(entry.at), sent: [...entry.sent], notes: [...entry.notes] };
}

/** A set-aside event as the API shows it. */
export function toSetAside(setAside: SetAside): SetAsideEvent {
  const { id, event, code, reason, setAsideAt } = setAside;
  const name = event.message["event"] ?? event.message["action"];
  return {
    ...{ id, code, reason },
    eventId: event.id,
    stackId: event.stackId,
    ...(typeof name === "string" ? { event: name } : {}),
    ...(event.actor === undefined ? {} : { actor: event.actor }),
    receivedAt: toInstant(event.receivedAt),
    setAsideAt: toInstant(setAsideAt),
    message: { ...toPrinted.message(setAside) },
  };
}

/** Lines of the history in a list. */
export const historyItem = {
  toView: toHistoryEntry,
  toId: ({ position }: StoredHistoryEntry) => String(position),
};
