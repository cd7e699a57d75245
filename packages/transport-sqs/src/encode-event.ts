import { randomUUID } from "node:crypto";
import type { QueuedEvent } from "@stackyard/core/engine";
import { toDeduplicationId, toGroupId } from "./fifo-ids.ts";
import type { OutgoingMessage } from "./outgoing-message.ts";
import { toResultProof } from "./result-proof.ts";
import { NOTE_ATTRIBUTE, type SenderNote, toNoteText } from "./sender-note.ts";
import { toJsonText } from "./to-json-text.ts";
import { findCarrier, type TraceCarrier } from "./tracing.ts";

/** As many characters as the id in a body may have. */
const MAX_BODY_ID = 255;

/**
 * An event as the predecessor's message: the body says it all to receivers that read no attributes. A worker's has a
 * deduplication id that nobody can guess: SQS would drop a result for a message that a sender has sent under its id. Sent
 * twice, it is applied once all the same, because the engine knows it by its origin and id. With the key a worker's event
 * carries the proof without which no receiver believes its origin.
 */
export function encodeEvent(event: QueuedEvent, resultKey: string | undefined): OutgoingMessage {
  const { id, stackId } = event;
  const { message, carrier } = takeTrace(event.message);
  const added = {
    ...(Object.hasOwn(message, "stackId") || stackId === "" ? {} : { stackId }),
    ...(Object.hasOwn(message, "id") || id.length > MAX_BODY_ID ? {} : { id }),
  };
  const body = toJsonText({ ...message, ...added });
  const note = { ...toNote(event, Object.keys(added)), ...toProof(event, body, resultKey) };
  return {
    body,
    attributes: { ...carrier, [NOTE_ATTRIBUTE]: toNoteText(note) },
    groupId: toGroupId(stackId),
    deduplicationId: event.origin === "worker" ? randomUUID() : toDeduplicationId(stackId, id),
  };
}

type Message = QueuedEvent["message"];

/** A store keeps the trace context in the body; on a queue it has attributes. What only looks like it stays where it is. */
function takeTrace(message: Message): { readonly message: Message; readonly carrier: TraceCarrier } {
  const { traceparent, tracestate, ...rest } = message;
  if (typeof traceparent !== "string") return { message, carrier: {} };
  const carrier = findCarrier({ traceparent, ...(typeof tracestate === "string" ? { tracestate } : {}) });
  return "traceparent" in carrier ? { message: rest, carrier } : { message, carrier };
}

function toProof(
  { id, stackId, origin }: QueuedEvent,
  body: string,
  resultKey: string | undefined,
): Pick<SenderNote, "proof"> {
  if (origin !== "worker" || resultKey === undefined) return {};
  // The receiver sees what is left of the message as JSON.
  return { proof: toResultProof(resultKey, { id, stackId, message: JSON.parse(body) }) };
}

function toNote({ id, origin, receivedAt, actor }: QueuedEvent, added: readonly string[]): SenderNote {
  return {
    id,
    at: receivedAt,
    ...(origin === "worker" ? { origin } : {}),
    ...(actor === undefined ? {} : { actor }),
    ...(added.length === 0 ? {} : { added: added.filter((key) => key === "id" || key === "stackId") }),
  };
}
