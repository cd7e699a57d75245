import { isMap } from "../../machine/json.ts";
import { parseSealedText, SEALED_KEY } from "../../ports/queued-event.ts";
import type { DeadLetter, HistoryEntry, ParkedEvent, ParkedHead, QueuedEvent } from "../../ports/stack-store.ts";
import { type Convert, convertText, sealValue, toStackOwner } from "./sealed-values.ts";
import type { Sealer } from "./sealer.ts";

/** Members of a message that identify it and its kind. All others may contain a sensitive value. */
const OPEN: ReadonlySet<string> = new Set([
  ...["id", "stackId", "event", "action", "machine", "dispatchId", "actor", "code", "retryable", "revision"],
  ...["as", "force", "to", "confirm", "sensitiveOutputs"],
]);

type Message = QueuedEvent["message"];

function toEventOwner({ stackId, id }: Pick<QueuedEvent, "stackId" | "id">): string {
  return `event ${JSON.stringify(id)} of the ${toStackOwner(stackId)}`;
}

/** Seals what a message contains besides the members that identify it. */
export async function sealMessage(sealer: Sealer, owner: string, message: Message): Promise<Message> {
  const members = Object.entries(message);
  const hidden = members.filter(([key]) => !OPEN.has(key));
  // One that this process could not open is not changed.
  const isSealed = parseSealedText(message[SEALED_KEY]) !== undefined;
  if (hidden.length === 0 || isSealed) return message;
  const open = Object.fromEntries(members.filter(([key]) => OPEN.has(key)));
  return { ...open, [SEALED_KEY]: await sealValue(sealer, owner, Object.fromEntries(hidden)) };
}

/** Opens a message. */
export async function openMessage(open: Convert, owner: string, message: Message): Promise<Message> {
  const { [SEALED_KEY]: sealed, ...rest } = message;
  if (parseSealedText(sealed) === undefined) return message;
  const hidden = await open(owner, sealed);
  return isMap(hidden) ? { ...rest, ...hidden } : message;
}

/** Seals the message of an event. */
export async function sealEvent(sealer: Sealer, event: QueuedEvent): Promise<QueuedEvent> {
  const message = await sealMessage(sealer, toEventOwner(event), event.message);
  return message === event.message ? event : { ...event, message };
}

/** Opens the message of an event. */
export async function openEvent(open: Convert, event: QueuedEvent): Promise<QueuedEvent> {
  const message = await openMessage(open, toEventOwner(event), event.message);
  return message === event.message ? event : { ...event, message };
}

/** Seals a parked event, and the hash of its metadata. */
export async function sealParked(sealer: Sealer, parked: ParkedEvent): Promise<ParkedEvent> {
  const event = await sealEvent(sealer, parked.event);
  const { task } = parked.event.message;
  const isNamed = event !== parked.event && isMap(task) && typeof task["name"] === "string";
  // The name of the task is part of the head; the rest of its member is sealed.
  const named = isNamed ? { ...event, message: { ...event.message, task: { name: task["name"] } } } : event;
  return { ...(await sealHead(sealer, parked)), event: named };
}

/** Seals the hash of a parked event's metadata. */
export async function sealHead<Head extends ParkedHead>(sealer: Sealer, head: Head): Promise<Head> {
  if (head.mark === undefined || parseSealedText(head.mark) !== undefined) return head;
  return { ...head, mark: await sealValue(sealer, toEventOwner(head.event), head.mark) };
}

/** Opens the hash of a parked event's metadata. */
export async function openHead<Head extends ParkedHead>(open: Convert, head: Head): Promise<Head> {
  if (parseSealedText(head.mark) === undefined) return head;
  return { ...head, mark: await convertText(toEventOwner(head.event), head.mark ?? "", open) };
}

/** Seals the hash of the metadata in a line of the history. */
export async function sealLine<Line extends HistoryEntry>(sealer: Sealer, line: Line): Promise<Line> {
  if (line.mark === undefined || parseSealedText(line.mark) !== undefined) return line;
  return { ...line, mark: await sealValue(sealer, toLineOwner(line), line.mark) };
}

/** Opens the hash in a line of the history. The line can be read without it, so one that cannot be opened is kept unchanged. */
export async function openLine<Line extends HistoryEntry>(open: Convert, line: Line): Promise<Line> {
  const { mark } = line;
  if (mark === undefined || parseSealedText(mark) === undefined) return line;
  return { ...line, mark: await convertText(toLineOwner(line), mark, open).catch(() => mark) };
}

function toLineOwner({ stackId, eventId }: HistoryEntry): string {
  return toEventOwner({ stackId, id: eventId });
}

/** Opens a parked event. */
export async function openParked(open: Convert, parked: ParkedEvent): Promise<ParkedEvent> {
  const head = await openHead(open, parked);
  const event = await openEvent(open, parked.event);
  return event === parked.event ? head : { ...head, event };
}

/** Seals the event of a dead letter. */
export async function sealDeadLetter(sealer: Sealer, letter: DeadLetter): Promise<DeadLetter> {
  return { ...letter, event: await sealEvent(sealer, letter.event) };
}
