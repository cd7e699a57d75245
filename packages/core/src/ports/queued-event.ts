import { keepStart } from "../machine/cut-text.ts";
import { isMap } from "../machine/json.ts";
import type { QueuedEvent } from "./stack-store.ts";
import { findEventFault } from "./stored-shape.ts";

/** The facts about a queued event that are known without its document. */
interface QueuedRow {
  readonly id: string;
  readonly stackId: string;
  readonly receivedAt: number;
}

/** A sealed value in a stored document: the form, the id of the key, the bytes in base64url. */
const SEALED = /^\$sealed:1:([^:]*):([A-Za-z0-9_-]+)$/;

/** The key of a stored message, or of another map, whose other members are sealed. */
export const SEALED_KEY = "$sealed";

/** Formats the result of a sealer as the text that is stored. */
export function toSealedText(keyId: string, bytes: Uint8Array): string {
  return `$sealed:1:${encodeURIComponent(keyId)}:${Buffer.from(bytes).toString("base64url")}`;
}

/** Reads a text of `toSealedText`; undefined for other values. */
export function parseSealedText(value: unknown): { readonly keyId: string; readonly bytes: Uint8Array } | undefined {
  const [, keyId, text] = typeof value === "string" ? (SEALED.exec(value) ?? []) : [];
  if (keyId === undefined || text === undefined) return undefined;
  return { keyId: decodeURIComponent(keyId), bytes: Buffer.from(text, "base64url") };
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
  const message = { unreadable, body: keepStart(String(text), MAX_UNREADABLE) };
  return { id, stackId, origin: "external", message, receivedAt };
}

/** Returns why an event cannot be read; undefined for other events. */
export function findUnreadable(message: unknown): string | undefined {
  const keyId = isMap(message) ? parseSealedText(message[SEALED_KEY])?.keyId : undefined;
  if (keyId !== undefined) {
    return `The event is sealed with the key ${keyId}, which this process does not have. Add the key, and send the event again.`;
  }
  if (!isMap(message) || message["event"] !== undefined || message["action"] !== undefined) return undefined;
  return typeof message["unreadable"] === "string" ? message["unreadable"] : undefined;
}
