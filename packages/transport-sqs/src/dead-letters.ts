import type { SQSClient } from "@aws-sdk/client-sqs";
import {
  type Clock,
  cutText,
  defined,
  type Logger,
  MAX_BATCH_ENTRIES,
  parseJson,
  type Random,
  toQueueText,
} from "@stackyard/core";
import type { DeadLetter } from "@stackyard/core/engine";
import { systemClock } from "@stackyard/core/yard";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { decodeEvent, encodeEvent, NOTE_ATTRIBUTE } from "./message-codec.ts";
import {
  byteSizeOf,
  hashOf,
  type IncomingMessage,
  MAX_ATTRIBUTES,
  MAX_QUEUE_BYTES,
  type OutgoingMessage,
  readEnvelope,
} from "./messages.ts";
import { createQueueReader, type QueueReader } from "./queue-reader.ts";
import { createQueueSender, type QueueSenderInput } from "./senders.ts";

/** The attribute of a dead letter with its reason. */
const REASON_ATTRIBUTE = "stackyard-dead-letter";

/** Why a message was given up. */
interface DeadLetterReason {
  /** UPPER_SNAKE. */
  readonly code: string;
  readonly reason: string;
}

/** Sends failed messages to a dead-letter queue with the reason, which SQS itself does not record. */
export interface DeadLetters {
  /**
   * Sends a message to the dead-letter queue. Returns true when it is there, so the delivery must be acknowledged;
   * false when it could not be sent and is delivered again.
   */
  giveUp(incoming: IncomingMessage, why: DeadLetterReason): Promise<boolean>;
}

/** A dead-letter queue. */
export interface DeadLettersInput {
  readonly sqs: SQSClient;
  readonly queueUrl: string;
  /** The queue that the messages come from, for the note. */
  readonly source: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

const MAX_REASON_CHARACTERS = 1_024;

/** Creates a sender of dead letters: messages as they came, with their attributes, so that they can be sent again. */
export function createDeadLetters({ sqs, queueUrl, source, clock, random, logger }: DeadLettersInput): DeadLetters {
  const sender = createQueueSender({ sqs, queueUrl, clock, random, claimChecks: undefined });
  return {
    async giveUp({ messageId, body, attributes, deliveries, groupId }, { code, reason }) {
      const short = cutText(reason, MAX_REASON_CHARACTERS);
      const note = { code, reason: short, at: clock.now(), deliveries, messageId, source };
      try {
        const ids = { groupId: groupId ?? messageId, deduplicationId: hashOf([source, messageId]) };
        await sender.send([{ body, attributes: addReason({ body, attributes }, toQueueText(note)), ...ids }]);
        logger.warn("A message was dead-lettered.", { code, reason, messageId, queueUrl, source });
        return true;
      } catch (error) {
        const what = "A message could not be sent to the dead-letter queue; it is delivered again.";
        logger.error(what, { error, queueUrl });
        return false;
      }
    },
  };
}

/** Adds the reason if it fits; it is logged in any case. */
function addReason({ body, attributes }: Pick<OutgoingMessage, "body" | "attributes">, reason: string) {
  const more = { ...attributes, [REASON_ATTRIBUTE]: reason };
  const fits = Object.keys(more).length <= MAX_ATTRIBUTES && byteSizeOf({ body, attributes: more }) <= MAX_QUEUE_BYTES;
  return fits ? more : attributes;
}

/** Sends copies of events that the engine has dead-lettered. */
export interface DeadLetterSender {
  /** Throws errors of the queue; the store has the events still. */
  send(events: readonly DeadLetter[]): Promise<void>;
}

/** A dead-letter queue that is sent to. */
export interface DeadLetterSenderInput extends QueueSenderInput {
  /** As with `SqsTransportOptions`: results that were dead-lettered are results when they are sent again. */
  readonly resultKey?: string | undefined;
}

/**
 * Sends dead letters to a dead-letter queue, with the reason where `createDeadLetterQueue` finds it. Sent again
 * from there, an event keeps its id; so it does not matter if it is sent again from the store too.
 */
export function createDeadLetterSender(input: DeadLetterSenderInput): DeadLetterSender {
  const sender = createQueueSender(input);
  return {
    async send(events) {
      const letters = events.map(({ id, event, code, reason, deadLetteredAt: at }) => {
        const message = encodeEvent(event, input.resultKey);
        const short = cutText(reason, MAX_REASON_CHARACTERS);
        const note = { code, reason: short, at, deliveries: 1, messageId: event.id, source: "stackyard" };
        const attributes = { ...message.attributes, [REASON_ATTRIBUTE]: toQueueText(note) };
        return { ...message, attributes, deduplicationId: id };
      });
      await sender.send(letters);
    },
  };
}

/** A dead-letter queue and where its messages came from. */
export interface DeadLetterQueueOptions {
  readonly sqs: SQSClient;
  /** The dead-letter queue. */
  readonly url: string;
  /** The queue that letters are sent to again. */
  readonly targetUrl: string;
  /** As with `SqsTransportOptions`: a result then never counts as a repeat of an event that only names its id. */
  readonly resultKey?: string;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** A message that was given up. */
export interface QueuedDeadLetter {
  readonly messageId: string;
  readonly body: string;
  /** The event's stack; empty when the message does not name one, as with tasks. */
  readonly stackId: string;
  /** Why, where this package gave it up. SQS moves messages without a reason. */
  readonly why?: {
    readonly code: string;
    readonly reason: string;
    readonly at: number;
    readonly deliveries: number;
    /** As it was in its queue. */
    readonly messageId: string;
    readonly source: string;
  };
}

/** The messages of a dead-letter queue. */
export interface DeadLetterQueue {
  /** Lists up to `maxLetters` letters, default 100. SQS hides listed letters for half a minute. */
  list(options?: { readonly maxLetters?: number }): Promise<readonly QueuedDeadLetter[]>;
  /**
   * Sends letters again and then removes them; default: all. Events keep their ids, so one that was applied after all
   * is applied once. Letters that fail again meanwhile remain. Returns the letters that were sent.
   */
  redrive(isWanted?: (letter: QueuedDeadLetter) => boolean): Promise<readonly QueuedDeadLetter[]>;
}

const VISIBILITY_MS = 30_000;
const WAIT_MS = 1_000;
const DEFAULT_MAX_LETTERS = 100;

/** Creates a reader of a dead-letter queue, which also sends its messages again in their original form. */
export function createDeadLetterQueue(options: DeadLetterQueueOptions): DeadLetterQueue {
  const { sqs, url, targetUrl, clock = systemClock, random = Math.random, resultKey } = options;
  const reader = createQueueReader({ sqs, queueUrl: url, visibilityMs: VISIBILITY_MS, waitMs: WAIT_MS });
  const sender = createQueueSender({ sqs, queueUrl: targetUrl, clock, random, claimChecks: undefined });
  return {
    async list({ maxLetters = DEFAULT_MAX_LETTERS } = {}) {
      const seen = await receiveAll(reader, maxLetters, async (messages) => messages);
      await show(reader, seen);
      return seen.map((message) => toLetter(message, clock.now()));
    },
    async redrive(isWanted = () => true) {
      const sent: QueuedDeadLetter[] = [];
      const sentKeys = new Set<string>();
      const kept = await receiveAll(reader, Number.POSITIVE_INFINITY, async (messages) => {
        const letters = messages.map((message) => ({ message, letter: toLetter(message, clock.now()) }));
        const wanted = letters.filter(({ message, letter }) => {
          const key = toKey(message, clock.now(), resultKey);
          const isSent = sentKeys.has(key);
          if (isSent || !isWanted(letter)) return false;
          sentKeys.add(key);
          return true;
        });
        await sender.send(wanted.map(({ message }) => toOutgoing(message, clock.now())));
        await reader.remove(wanted.map(({ message }) => message.receiptHandle));
        sent.push(...wanted.map(({ letter }) => letter));
        return letters.filter((one) => !wanted.includes(one)).map(({ message }) => message);
      });
      await show(reader, kept);
      return sent;
    },
  };
}

/** Receives until no message comes, or an earlier one comes again. Returns the messages that the visitor keeps. */
async function receiveAll(
  reader: QueueReader,
  maxMessages: number,
  visit: (messages: readonly IncomingMessage[]) => Promise<readonly IncomingMessage[]>,
): Promise<readonly IncomingMessage[]> {
  const { signal } = new AbortController();
  const kept: IncomingMessage[] = [];
  const seen = new Set<string>();
  while (kept.length < maxMessages) {
    const messages = await reader.receive(Math.min(MAX_BATCH_ENTRIES, maxMessages - kept.length), signal);
    const fresh = messages.filter(({ messageId }) => !seen.has(messageId));
    if (fresh.length === 0) return kept;
    for (const { messageId } of fresh) seen.add(messageId);
    kept.push(...(await visit(fresh)));
  }
  return kept;
}

/** Others may see the messages at once. */
async function show(reader: QueueReader, messages: readonly IncomingMessage[]): Promise<void> {
  await reader.hide(messages.map(({ receiptHandle }) => ({ receiptHandle, forMs: 0 })));
}

function toLetter(message: IncomingMessage, now: number): QueuedDeadLetter {
  const { messageId, body } = message;
  const why = findWhy(message);
  return defined({ messageId, body, stackId: decodeEvent(message, now, undefined).stackId, why });
}

/** Returns the same key for a redriven letter: that of its event, or of its body if it is not an event. */
function toKey(message: IncomingMessage, now: number, resultKey: string | undefined): string {
  const { id, stackId, origin } = decodeEvent(asBefore(message), now, resultKey);
  return stackId === "" ? hashOf([message.body]) : hashOf([origin, stackId, id]);
}

/** Returns the message under the id that it had in its queue. */
function asBefore(message: IncomingMessage): IncomingMessage {
  return { ...message, messageId: findWhy(message)?.messageId ?? message.messageId };
}

/**
 * Returns the original message, without the reason; an event without an id in its body keeps its earlier one. An
 * existing note, also in the envelope of a topic, remains: its proof is for the body, which remains too.
 */
function toOutgoing(message: IncomingMessage, now: number): OutgoingMessage {
  const { [REASON_ATTRIBUTE]: _reason, ...attributes } = message.attributes;
  const event = decodeEvent(asBefore(message), now, undefined);
  const isNoted = NOTE_ATTRIBUTE in { ...readEnvelope(message.body).attributes, ...attributes };
  const note = { [NOTE_ATTRIBUTE]: toQueueText({ id: event.id, at: event.receivedAt }) };
  return {
    body: message.body,
    attributes: event.stackId === "" || isNoted ? attributes : { ...attributes, ...note },
    groupId: message.groupId ?? hashOf([event.stackId]),
    // The first one was dropped as a repeat if it came within five minutes.
    deduplicationId: hashOf([message.messageId, String(now)]),
  };
}

const Why = Type.Object({
  code: Type.String(),
  reason: Type.String(),
  at: Type.Number(),
  deliveries: Type.Number(),
  messageId: Type.String(),
  source: Type.String(),
});
const validator = Compile(Why);

function findWhy({ attributes }: IncomingMessage): QueuedDeadLetter["why"] {
  const why = parseJson(attributes[REASON_ATTRIBUTE] ?? "");
  return validator.Check(why) ? why : undefined;
}
