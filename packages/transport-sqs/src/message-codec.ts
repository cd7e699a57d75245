import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import {
  defined,
  type EventDelivery,
  keepStart,
  parseJson,
  type TaskDelivery,
  type TaskMessage,
  toQueueText,
} from "@stackyard/core";
import type { Sender } from "@stackyard/core/access";
import type { QueuedEvent } from "@stackyard/core/engine";
import { parseAttemptId, parseTaskMessage, unwrapBody } from "@stackyard/core/machine";
import { CHANNELS, SENDER_KINDS } from "@stackyard/core/yard";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import type { ClaimChecks } from "./claim-check.ts";
import {
  findCarrier,
  hashOf,
  type IncomingMessage,
  isEnveloped,
  type OutgoingMessage,
  readEnvelope,
  type TraceCarrier,
  toDeduplicationId,
  toGroupId,
} from "./messages.ts";
import { isMessageRefused } from "./to-stackyard-error.ts";

/** The attribute in which our senders put data that the predecessor's bodies do not support. */
export const NOTE_ATTRIBUTE = "stackyard";

const SenderText = Type.String({ maxLength: 2_048 });

const identity = {
  kind: Type.Enum([...SENDER_KINDS]),
  id: SenderText,
  name: SenderText,
  owner: Type.Optional(SenderText),
};

/** A sender as the engine uses it. */
const NotedSender = Type.Object({
  ...identity,
  groups: Type.Immutable(Type.Array(SenderText, { maxItems: 1_000 })),
  requestId: Type.Optional(SenderText),
  address: Type.Optional(SenderText),
  through: Type.Optional(SenderText),
  credential: Type.Optional(SenderText),
  channel: Type.Optional(Type.Enum([...CHANNELS])),
  machine: Type.Optional(SenderText),
  askers: Type.Optional(Type.Immutable(Type.Array(Type.Object(identity), { maxItems: 100 }))),
});

const ReleaseText = Type.String({ maxLength: 1_024 });
const Instant = Type.Integer({ minimum: 0, maximum: 8_640_000_000_000_000 });

/** The note of a release on its events: see `QueuedEvent.release`. */
const NotedRelease = Type.Object({
  task: ReleaseText,
  incarnation: ReleaseText,
  createdAt: Instant,
  onlyNotes: Type.Optional(Type.Literal(true)),
  expect: Type.Optional(Type.Integer({ minimum: 0 })),
  expiresAt: Type.Optional(Instant),
  restores: Type.Optional(
    Type.Record(
      Type.String(),
      Type.Union([
        Type.Null(),
        Type.Object({
          id: ReleaseText,
          incarnation: ReleaseText,
          createdAt: Instant,
          task: ReleaseText,
          event: ReleaseText,
          value: Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()]),
          at: Instant,
        }),
      ]),
    ),
  ),
});

/**
 * The content of that attribute. One attribute, because a topic with raw delivery drops messages with more than ten.
 */
const SenderNote = Type.Object({
  /** The event's id. */
  id: Type.String({ minLength: 1, maxLength: 16_384 }),
  /** When it was accepted, epoch milliseconds. */
  at: Type.Integer({ minimum: 0, maximum: 8_640_000_000_000_000 }),
  origin: Type.Optional(Type.Enum(["worker", "stack"])),
  /** Until when its sender waits for the first decision, epoch milliseconds. */
  until: Type.Optional(Type.Integer({ minimum: 0, maximum: 8_640_000_000_000_000 })),
  /** Who sent it, as a process with the yard's store has verified. Counts only with the proof. */
  sender: Type.Optional(NotedSender),
  /** That the yard itself has sent it. Counts only with the proof. */
  own: Type.Optional(Type.Literal(true)),
  /** The release of the origin `stack`. Counts only with the proof. */
  release: Type.Optional(NotedRelease),
  /** That a worker has sent it, or its sender is verified: see `toResultProof` and `toSenderProof`. */
  proof: Type.Optional(Type.String({ maxLength: 64 })),
  actor: Type.Optional(Type.String({ maxLength: 255 })),
  /** Keys that were added to the body for receivers that read nothing else. */
  added: Type.Optional(Type.Array(Type.Union([Type.Literal("id"), Type.Literal("stackId")]), { maxItems: 2 })),
});
type SenderNote = Static<typeof SenderNote>;

const validator = Compile(SenderNote);

/** Returns the note in the attributes of a message, or undefined if it is missing or invalid. */
function findNote(attributes: Readonly<Record<string, string>>): SenderNote | undefined {
  const text = Object.hasOwn(attributes, NOTE_ATTRIBUTE) ? attributes[NOTE_ATTRIBUTE] : undefined;
  if (text === undefined) return undefined;
  const note = parseJson(text);
  return validator.Check(note) ? note : undefined;
}

/** The subject of a proof: a result as its receivers read it. */
interface ProvenResult {
  readonly id: string;
  readonly stackId: string;
  /** As parsed from the body, whose envelopes and place make no difference. */
  readonly message: unknown;
}

/** Returns the proof that a result was sent by a process that has the key. */
export function toResultProof(key: string, { id, stackId, message }: ProvenResult): string {
  const text = [id, stackId, JSON.stringify(message)].join("\u0000");
  return createHmac("sha256", key).update(text).digest("base64url");
}

/** True if the proof was made with the key for exactly this result. */
export function isResultProof(proof: string, key: string, result: ProvenResult): boolean {
  return isSameText(proof, toResultProof(key, result));
}

function isSameText(given: string, expected: string): boolean {
  const [left, right] = [Buffer.from(given), Buffer.from(expected)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** The subject of a sender's proof: an event, who has sent it, and when. */
interface ProvenEvent extends ProvenResult {
  readonly sender: Sender | undefined;
  readonly own: true | undefined;
  readonly release: QueuedEvent["release"];
  /** Epoch milliseconds. */
  readonly at: number;
}

/**
 * Returns the proof that a process with the key has verified the sender, or has sent the event itself. Its text begins
 * differently from that of a result.
 */
function toSenderProof(key: string, { id, stackId, at, sender, own, message, release }: ProvenEvent): string {
  const facts = [id, stackId, at, sender && toParts(sender), own === true, message];
  const text = `sender\u0000${JSON.stringify(release === undefined ? facts : [...facts, release])}`;
  return createHmac("sha256", key).update(text).digest("base64url");
}

/** Returns the fields in a fixed order, independent of the order of keys. */
function toParts(sender: Sender): readonly unknown[] {
  const { kind, id, name, owner, groups, requestId, address, through, credential, channel, machine, askers } = sender;
  const parts = [kind, id, name, owner, groups, requestId, address, through, credential];
  const behind = askers?.map((asker) => [asker.kind, asker.id, asker.name, asker.owner]);
  if (machine !== undefined) return [...parts, channel, machine, behind];
  return channel === undefined ? parts : [...parts, channel];
}

/** As many characters as the id in a body may have. */
const MAX_BODY_ID = 255;

/**
 * Encodes an event as the predecessor's message; the body is complete for receivers that do not read attributes. An
 * event of a worker has an unguessable deduplication id, because SQS would drop a result if another sender had used its
 * id before. An event that is sent twice is still applied once, because the engine identifies it by origin and id. With
 * `resultKey`, an event of a worker carries the proof of its origin that receivers require.
 */
export function encodeEvent(event: QueuedEvent, resultKey: string | undefined): OutgoingMessage {
  const { id, stackId } = event;
  const { message, carrier } = takeTrace(event.message);
  const added = {
    ...(Object.hasOwn(message, "stackId") || stackId === "" ? {} : { stackId }),
    ...(Object.hasOwn(message, "id") || id.length > MAX_BODY_ID ? {} : { id }),
  };
  const body = toQueueText({ ...message, ...added });
  const proof = toProof(event, body, resultKey);
  const isProven = proof !== undefined && event.origin !== "worker";
  const addedKeys = ADDED_KEYS.filter((key) => Object.hasOwn(added, key));
  const note = defined({
    id,
    at: event.receivedAt,
    origin: event.origin === "external" ? undefined : event.origin,
    actor: event.actor,
    until: event.awaitedUntil,
    added: addedKeys.length === 0 ? undefined : addedKeys,
    sender: isProven ? event.sender : undefined,
    own: isProven ? event.own : undefined,
    release: isProven ? event.release : undefined,
    proof,
  });
  return {
    body,
    attributes: { ...carrier, [NOTE_ATTRIBUTE]: toQueueText(note) },
    groupId: toGroupId(stackId),
    deduplicationId: event.origin === "worker" || isProven ? randomUUID() : toDeduplicationId(stackId, id),
  };
}

type Message = QueuedEvent["message"];

/**
 * Moves the trace context from the body, where a store keeps it, to the attributes of a queue message. Values that only
 * look like one remain.
 */
function takeTrace(message: Message): { readonly message: Message; readonly carrier: TraceCarrier } {
  const { traceparent, tracestate, ...rest } = message;
  if (typeof traceparent !== "string") return { message, carrier: {} };
  const carrier = findCarrier({ traceparent, ...(typeof tracestate === "string" ? { tracestate } : {}) });
  return "traceparent" in carrier ? { message: rest, carrier } : { message, carrier };
}

const ADDED_KEYS = ["id", "stackId"] as const;

function toProof(event: QueuedEvent, body: string, key: string | undefined): string | undefined {
  const { id, stackId, origin, sender, own, release, receivedAt: at } = event;
  if (key === undefined) return undefined;
  // The receiver verifies the message as it parses it from JSON.
  const proven = { id, stackId, message: JSON.parse(body) };
  if (origin === "worker") return toResultProof(key, proven);
  return (sender ?? own) === undefined ? undefined : toSenderProof(key, { ...proven, sender, own, release, at });
}

/**
 * Encodes a task as the predecessor's message with the additional field `dispatch`. In a FIFO queue attempts do not
 * wait for each other. Each send is a separate message, because a poll and a resend after an expired lease belong to
 * the same attempt.
 */
export function encodeTask(message: TaskMessage): OutgoingMessage {
  const { task, stack, dispatch: kept } = message;
  const { traceparent, tracestate, ...dispatch } = kept;
  return {
    body: toQueueText({ task, stack, dispatch }),
    attributes: findCarrier(defined({ traceparent, tracestate })),
    groupId: hashOf([dispatch.id]),
    deduplicationId: randomUUID(),
  };
}

/** The most characters of a body that is not an event which are kept for diagnosis. */
const MAX_UNREADABLE_CHARACTERS = 4_096;

/**
 * Decodes an event for the engine. Its id is the sender's, that of the topic or the bus before the queue, or the
 * queue's. An invalid body becomes an event without a stack, which the engine rejects with a reason, so it is listed
 * and not lost. Without `resultKey` every event is external, because a forged result of a worker cannot be detected.
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
  return defined({
    id: noted ?? toName(message["id"]) ?? toName(envelope.id) ?? incoming.messageId,
    stackId,
    origin: isWorkers ? ("worker" as const) : toSendersOrigin(note),
    receivedAt: note?.at ?? incoming.sentAt ?? now,
    message: withoutAdded(message, note),
    actor: note?.actor,
    awaitedUntil: note?.until,
    ...(isWorkers ? {} : findProvenFacts({ stackId, message, note }, resultKey)),
  });
}

/**
 * Returns the origin of an event that no worker has sent. Anybody can write that it is a release's: without the proof it
 * has no release, and the engine refuses it.
 */
function toSendersOrigin(note: SenderNote | undefined): "external" | "stack" {
  return note?.origin === "stack" ? "stack" : "external";
}

/** Returns an event that reports an unreadable message. */
function toUnreadable({ messageId, body, sentAt }: IncomingMessage, reason: string, now: number): QueuedEvent {
  const message = { unreadable: reason, body: keepStart(body, MAX_UNREADABLE_CHARACTERS) };
  return { id: messageId, stackId: "", origin: "external", receivedAt: sentAt ?? now, message };
}

function withoutAdded(message: Message, note: SenderNote | undefined): Message {
  const { added } = note ?? {};
  if (added === undefined) return message;
  return Object.fromEntries(Object.entries(message).filter(([key]) => !added.some((name) => name === key)));
}

/**
 * Returns true for a result of a worker, under the id of its attempt's end; events of the engine itself never come from
 * a queue. Only their ids may be longer than a sender's: stores keep the ids of applied events.
 */
function isResult({ event, dispatchId, stackId }: Message, note: SenderNote | undefined): boolean {
  if (note?.origin !== "worker" || typeof event !== "string" || !RESULTS.has(event)) return false;
  if (typeof dispatchId !== "string" || dispatchId.length > MAX_ATTEMPT_ID) return false;
  if (note.id !== `result:${dispatchId}` && note.id !== `cancelled:${dispatchId}`) return false;
  return parseAttemptId(dispatchId)?.stackId === stackId;
}

/** Returns true when the proof is valid. Any sender can write any note, but the proof requires the key. */
function isProven(message: Message, note: SenderNote | undefined, resultKey: string | undefined): boolean {
  if (note?.proof === undefined || resultKey === undefined) return false;
  return isResultProof(note.proof, resultKey, { id: note.id, stackId: String(message["stackId"]), message });
}

interface NotedEvent {
  readonly stackId: string;
  readonly message: Message;
  readonly note: SenderNote | undefined;
}

/**
 * Returns what a process with the key has proven of exactly this event: its sender, and that the yard has sent it. A
 * note whose id cannot be used proves nothing, because each copy would count as another event.
 */
function findProvenFacts(
  { stackId, message, note }: NotedEvent,
  key: string | undefined,
): Pick<QueuedEvent, "sender" | "own" | "release"> {
  if (key === undefined || note?.proof === undefined || toName(note.id) === undefined) return {};
  const { id, at, proof, own } = note;
  const sender: Sender | undefined = note.sender && defined(note.sender);
  const release = note.release && defined(note.release);
  const facts = { sender, own, release };
  return isSameText(proof, toSenderProof(key, { id, stackId, at, ...facts, message })) ? defined(facts) : {};
}

/** As many characters as a task message takes. */
const MAX_ATTEMPT_ID = 8_192;
const RESULTS: ReadonlySet<string> = new Set(["TASK_COMPLETED", "TASK_ERROR", "TASK_CANCELLED"]);

/** Returns a text that may become a key; the engine refuses anything else with its reason. */
function toName(value: unknown): string | undefined {
  if (typeof value !== "string" || value === "" || value.length > 255 || !value.isWellFormed()) return undefined;
  return CONTROL.test(value) ? undefined : value;
}

const CONTROL = /\p{Cc}/u;

/** Dependencies of reading. */
interface ReadDeps {
  readonly claimChecks: Pick<ClaimChecks, "redeem">;
  /** Now, epoch milliseconds. */
  readonly now: number;
}

/** Returns the sender with the `SenderId` of a message; undefined for an unknown one. */
export type FindSender = (senderId: string) => Sender | undefined;

/** Dependencies of reading an event. */
interface ReadEventDeps extends ReadDeps {
  readonly resultKey: string | undefined;
  readonly findSender?: FindSender | undefined;
}

/**
 * Reads a message of the event queue. Every body becomes an event, if only one that is rejected. Throws transient
 * errors and configuration errors: a body that cannot be fetched now is still an event.
 */
export async function readEvent(incoming: IncomingMessage, deps: ReadEventDeps): Promise<EventDelivery> {
  const event = await readNoted(incoming, deps);
  const sender =
    event.origin === "external" ? (event.sender ?? findDirectSender(incoming, deps.findSender)) : undefined;
  const { deliveries } = incoming;
  // The name in the note is not verified.
  return { event: sender === undefined ? event : { ...event, actor: keepStart(sender.name, 255), sender }, deliveries };
}

async function readNoted(
  incoming: IncomingMessage,
  { claimChecks, resultKey, now }: ReadEventDeps,
): Promise<QueuedEvent> {
  try {
    return decodeEvent(await claimChecks.redeem(incoming), now, resultKey);
  } catch (error) {
    if (!isMessageRefused(error)) throw error;
    return toUnreadable(incoming, error.message, now);
  }
}

/**
 * Returns the sender of the message, as verified by SQS. The sender of an enveloped message is unknown: SQS was called
 * by the topic or the bus, or by a sender that has written the envelope.
 */
function findDirectSender({ body, senderId }: IncomingMessage, findSender: FindSender | undefined): Sender | undefined {
  if (findSender === undefined || senderId === undefined || isEnveloped(body)) return undefined;
  return findSender(senderId);
}

/** A task, or why the message is not a task. */
type ReadTask =
  | { readonly kind: "task"; readonly delivery: TaskDelivery }
  | { readonly kind: "invalid"; readonly reason: string };

/** Reads a message of a task queue. Throws transient errors and configuration errors. */
export async function readTask(incoming: IncomingMessage, { claimChecks, now }: ReadDeps): Promise<ReadTask> {
  const { messageId, deliveries } = incoming;
  try {
    const { body } = await claimChecks.redeem(incoming);
    const parsed = parseTaskMessage(body, { at: now, messageId });
    if (parsed.kind === "invalid") return parsed;
    const { message } = parsed;
    return { kind: "task", delivery: { attemptId: message.dispatch.id, message, deliveries } };
  } catch (error) {
    if (!isMessageRefused(error)) throw error;
    return { kind: "invalid", reason: error.message };
  }
}
