import type { QueuedEvent } from "@stackyard/core/engine";
import { parseAttemptId, unwrapBody } from "@stackyard/core/machine";
import { readEnvelope } from "./envelope.ts";
import type { IncomingMessage } from "./incoming-message.ts";
import { isResultProof } from "./result-proof.ts";
import { findNote, type SenderNote } from "./sender-note.ts";

/** Of a body that is no event so much is kept, for whoever looks into it. */
const MAX_UNREADABLE_CHARACTERS = 4_096;

/**
 * An event as the engine takes it. Its id is the sender's, or that of the topic or the bus before the queue, or the queue's.
 * A body that is none becomes an event of no stack, which the engine refuses with its reason: it is listed, not lost. Only with
 * the key can a worker's result be told from a forged one; without, every event is an external one.
 */
export function decodeEvent(incoming: IncomingMessage, now: number, resultKey: string | undefined): QueuedEvent {
  const unwrapped = unwrapBody(incoming.body);
  if (unwrapped.kind === "none") return toUnreadable(incoming, unwrapped.reason, now);
  const envelope = readEnvelope(incoming.body);
  const note = findNote({ ...envelope.attributes, ...incoming.attributes });
  const { message } = unwrapped;
  const stackId = toName(message["stackId"]) ?? "";
  const isWorkers = isResult(message, note) && isProven(message, note, resultKey);
  const noted = isWorkers ? note?.id : toName(note?.id);
  return {
    id: noted ?? toName(message["id"]) ?? toName(envelope.id) ?? incoming.messageId,
    stackId,
    origin: isWorkers ? "worker" : "external",
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

/**
 * Only results travel as a worker's, under the id of their attempt's end; what only the engine says never comes from a queue.
 * Their ids alone may be longer than a sender's: stores keep the ids of what was applied.
 */
function isResult({ event, dispatchId, stackId }: Message, note: SenderNote | undefined): boolean {
  if (note?.origin !== "worker" || typeof event !== "string" || !RESULTS.has(event)) return false;
  if (typeof dispatchId !== "string" || dispatchId.length > MAX_ATTEMPT_ID) return false;
  if (note.id !== `result:${dispatchId}` && note.id !== `cancelled:${dispatchId}`) return false;
  return parseAttemptId(dispatchId)?.stackId === stackId;
}

/** Whoever may send to the queue may write any note; the proof can be made only by who has the key. */
function isProven(message: Message, note: SenderNote | undefined, resultKey: string | undefined): boolean {
  if (note?.proof === undefined || resultKey === undefined) return false;
  return isResultProof(note.proof, resultKey, { id: note.id, stackId: String(message["stackId"]), message });
}

/** As many characters as a task message takes. */
const MAX_ATTEMPT_ID = 8_192;
const RESULTS: ReadonlySet<string> = new Set(["TASK_COMPLETED", "TASK_ERROR", "TASK_CANCELLED"]);

/** What becomes a key somewhere; the engine refuses anything else with its reason. */
function toName(value: unknown): string | undefined {
  if (typeof value !== "string" || value === "" || value.length > 255 || !value.isWellFormed()) return undefined;
  return CONTROL.test(value) ? undefined : value;
}

const CONTROL = /\p{Cc}/u;
