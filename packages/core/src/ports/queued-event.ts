import { isMap } from "../machine/json.ts";
import type { QueuedEvent } from "./stack-store.ts";
import { findEventFault } from "./store-helpers.ts";

/** The facts about a queued event that are known without its document. */
interface QueuedRow {
  readonly id: string;
  readonly stackId: string;
  readonly receivedAt: number;
}

/** The length of the text of an unreadable document that is kept for diagnosis, in characters. */
const MAX_UNREADABLE = 4_096;

/**
 * Returns the event of a row of a queue. A damaged row becomes an event that the engine dead-letters with the reason, so
 * that it blocks neither its stack nor others. Never throws.
 */
export function parseQueuedEvent(text: string, row: QueuedRow): QueuedEvent {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return toUnreadableEvent(text, { ...row, reason: "it is not JSON" });
  }
  return toQueuedEvent(value, row);
}

/** Returns the event of a stored value, like `parseQueuedEvent`. */
export function toQueuedEvent(value: unknown, row: QueuedRow): QueuedEvent {
  const reason = findEventFault(value);
  return reason === undefined
    ? (value as QueuedEvent)
    : toUnreadableEvent(JSON.stringify(value) ?? "", { ...row, reason });
}

function toUnreadableEvent(text: string, { reason, ...row }: QueuedRow & { readonly reason: string }): QueuedEvent {
  const { id, stackId, receivedAt } = row;
  const unreadable = `The row of the event in the queue cannot be read: ${reason}.`;
  const message = { unreadable, body: String(text).slice(0, MAX_UNREADABLE) };
  return { id, stackId, origin: "external", message, receivedAt };
}

/** Returns why an event cannot be read; undefined for other events. */
export function findUnreadable(message: unknown): string | undefined {
  if (!isMap(message) || message["event"] !== undefined || message["action"] !== undefined) return undefined;
  return typeof message["unreadable"] === "string" ? message["unreadable"] : undefined;
}
