import type { QueuedEvent } from "@stackyard/core/engine";
import { parseAttemptId, unwrapBody } from "@stackyard/core/machine";
import { readEnvelope } from "./envelope.ts";
import type { IncomingMessage } from "./incoming-message.ts";
import { findNote, type SenderNote } from "./sender-note.ts";

/** Of a body that is no event so much is kept, for whoever looks into it. */
const MAX_UNREADABLE_CHARACTERS = 4_096;

/**
 * An event as the engine takes it. Its id is the sender's, or that of the topic or the bus before the queue, or the queue's.
 * A body that is none becomes an event of no stack, which the engine refuses with its reason: it is listed, not lost.
 */
export function decodeEvent(incoming: IncomingMessage, now: number): QueuedEvent {
  const unwrapped = unwrapBody(incoming.body);
  if (unwrapped.kind === "none") return toUnreadable(incoming, unwrapped.reason, now);
  const envelope = readEnvelope(incoming.body);
  const note = findNote({ ...envelope.attributes, ...incoming.attributes });
  const { message } = unwrapped;
  const stackId = toName(message["stackId"]) ?? "";
  const origin = note?.origin === "worker" && isResult(message) ? "worker" : "external";
  return {
    id: note?.id ?? toName(message["id"]) ?? envelope.id ?? incoming.messageId,
    stackId,
    origin,
    receivedAt: note?.at ?? incoming.sentAt ?? now,
    message: withoutAdded(message, note),
    ...(note?.actor === undefined ? {} : { actor: note.actor }),
  };
}

/** A message that cannot be read as an event that says so. */
export function toUnreadable({ messageId, body, sentAt }: IncomingMessage, reason: string, now: number): QueuedEvent {
  const message = { unreadable: reason, body: body.slice(0, MAX_UNREADABLE_CHARACTERS) };
  return { id: messageId, stackId: "", origin: "external", receivedAt: sentAt ?? now, message };
}

type Message = QueuedEvent["message"];

function withoutAdded(message: Message, note: SenderNote | undefined): Message {
  const { added } = note ?? {};
  if (added === undefined) return message;
  return Object.fromEntries(Object.entries(message).filter(([key]) => !added.some((name) => name === key)));
}

/** Only results travel as a worker's; what only the engine says never comes from a queue. */
function isResult({ event, dispatchId, stackId }: Message): boolean {
  if (typeof event !== "string" || !RESULTS.has(event) || typeof dispatchId !== "string") return false;
  return parseAttemptId(dispatchId)?.stackId === stackId;
}

const RESULTS: ReadonlySet<string> = new Set(["TASK_COMPLETED", "TASK_ERROR", "TASK_CANCELLED"]);

/** What becomes a key somewhere; the engine refuses anything else with its reason. */
function toName(value: unknown): string | undefined {
  if (typeof value !== "string" || value === "" || value.length > 255 || !value.isWellFormed()) return undefined;
  return CONTROL.test(value) ? undefined : value;
}

const CONTROL = /\p{Cc}/u;
