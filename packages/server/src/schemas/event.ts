import { defined } from "@stackyard/core";
import type { DeadLetter, HistoryEntry } from "@stackyard/core/api";
import {
  type DeadLetter as StoredDeadLetter,
  type StoredHistoryEntry,
  toEventName,
  toPersonId,
  toPrinted,
} from "@stackyard/core/engine";

/** Formats epoch milliseconds for the API. */
export function toInstant(ms: number): string;
export function toInstant(ms: number | undefined): string | undefined;
export function toInstant(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}

/** Converts a line of the history to the API's format. */
export function toHistoryEntry(stored: StoredHistoryEntry): HistoryEntry {
  const { release, mark: _, ...entry } = toPrinted.entry(stored);
  return { ...entry, at: toInstant(entry.at), ...(release && { release: toRelease(release) }) };
}

function toRelease({
  id,
  machine,
  task,
  createdAt,
}: NonNullable<StoredHistoryEntry["release"]>): NonNullable<HistoryEntry["release"]> {
  return { id, machine, task, createdAt: toInstant(createdAt) };
}

/** Converts a dead letter to the API's format. */
export function toDeadLetter(stored: StoredDeadLetter): DeadLetter {
  const { id, event, code, reason, deadLetteredAt } = stored;
  return {
    id,
    code,
    reason,
    eventId: event.id,
    stackId: event.stackId,
    ...defined({ event: toEventName(event.message), actor: event.actor, actorId: toPersonId(event) }),
    receivedAt: toInstant(event.receivedAt),
    deadLetteredAt: toInstant(deadLetteredAt),
    message: toPrinted.message(stored),
  };
}

/** Lines of the history in a list. */
export const historyItem = {
  toView: toHistoryEntry,
  toId: ({ position }: StoredHistoryEntry) => String(position),
};
