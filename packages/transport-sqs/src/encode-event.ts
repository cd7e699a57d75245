import type { QueuedEvent } from "@stackyard/core/engine";
import { toDeduplicationId, toGroupId } from "./fifo-ids.ts";
import type { OutgoingMessage } from "./outgoing-message.ts";
import { NOTE_ATTRIBUTE, type SenderNote, toNoteText } from "./sender-note.ts";
import { toJsonText } from "./to-json-text.ts";

/** As many characters as the id in a body may have. */
const MAX_BODY_ID = 255;

/** An event as the predecessor's message: the body says it all to receivers that read no attributes. */
export function encodeEvent(event: QueuedEvent): OutgoingMessage {
  const { id, stackId, message } = event;
  const added = {
    ...(Object.hasOwn(message, "stackId") || stackId === "" ? {} : { stackId }),
    ...(Object.hasOwn(message, "id") || id.length > MAX_BODY_ID ? {} : { id }),
  };
  return {
    body: toJsonText({ ...message, ...added }),
    attributes: { [NOTE_ATTRIBUTE]: toNoteText(toNote(event, Object.keys(added))) },
    groupId: toGroupId(stackId),
    deduplicationId: toDeduplicationId(stackId, id),
  };
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
