import { randomUUID } from "node:crypto";
import type { SimCall } from "../sim-call.ts";
import { SimFault } from "../sim-fault.ts";

/** A message as it was published. */
export interface SnsMessage {
  readonly messageId: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Who gets what. */
export interface Subscription {
  /** Values by attribute. Default: everything. */
  readonly filterPolicy?: Readonly<Record<string, readonly string[]>>;
  readonly deliver: (message: SnsMessage) => void;
}

/** A topic's messages and subscribers. */
export interface Topic {
  readonly messages: SnsMessage[];
  readonly subscriptions: readonly Subscription[];
}

/** "Publish" and "PublishBatch": 256 KB with attributes, for a batch all together. */
const MAX_BYTES = 262_144;
/** "PublishBatch": up to 10 messages. */
const MAX_ENTRIES = 10;

interface Entry {
  readonly Id?: string;
  readonly Message?: string;
  readonly MessageAttributes?: Readonly<Record<string, { readonly DataType?: string; readonly StringValue?: string }>>;
}

/** Publish: one message to whoever has a filter that lets it through. */
export function publish(topic: Topic, { input }: SimCall): unknown {
  const entry: Entry = input;
  if (!entry.Message) throw invalid("InvalidParameterException", "Invalid parameter: Empty message");
  if (sizeOf(entry) > MAX_BYTES) throw invalid("InvalidParameterException", "Invalid parameter: Message too long");
  return { MessageId: send(topic, entry) };
}

/** PublishBatch: the whole batch is refused for its form; entries with no message fail by themselves. */
export function publishBatch(topic: Topic, { input }: SimCall): unknown {
  const entries: readonly Entry[] = Object(input["PublishBatchRequestEntries"] ?? []);
  const code = findBatchFault(entries);
  if (code !== undefined) throw invalid(code, "The batch request cannot be served.");
  const [good, bad] = [entries.filter(({ Message }) => Message), entries.filter(({ Message }) => !Message)];
  return {
    Successful: good.map((entry) => ({ Id: entry.Id, MessageId: send(topic, entry) })),
    Failed: bad.map(({ Id }) => ({ Id, Code: "InvalidParameter", Message: "Empty message", SenderFault: true })),
  };
}

function findBatchFault(entries: readonly Entry[]): string | undefined {
  if (entries.length === 0) return "EmptyBatchRequestException";
  if (entries.length > MAX_ENTRIES) return "TooManyEntriesInBatchRequestException";
  if (new Set(entries.map(({ Id }) => Id)).size < entries.length) return "BatchEntryIdsNotDistinctException";
  if (entries.some(({ Id = "" }) => !/^[\w-]{1,80}$/.test(Id))) return "InvalidBatchEntryIdException";
  return entries.reduce((sum, entry) => sum + sizeOf(entry), 0) > MAX_BYTES
    ? "BatchRequestTooLongException"
    : undefined;
}

/** SNS guide, "Message attributes": name, type and value count. */
function sizeOf({ Message = "", MessageAttributes = {} }: Entry): number {
  const parts = Object.entries(MessageAttributes).flatMap(([name, { DataType = "", StringValue = "" }]) => [
    ...[name, DataType, StringValue],
  ]);
  return [Message, ...parts].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}

function send({ messages, subscriptions }: Topic, { Message = "", MessageAttributes = {} }: Entry): string {
  const texts = Object.entries(MessageAttributes).map(([name, { StringValue = "" }]) => [name, StringValue] as const);
  const message = { messageId: randomUUID(), body: Message, attributes: Object.fromEntries(texts) };
  messages.push(message);
  for (const { filterPolicy = {}, deliver } of subscriptions) {
    if (isLetThrough(message, filterPolicy)) deliver(message);
  }
  return message.messageId;
}

/** SNS guide, "Filter policy scope, attributes": every name has to be there with one of its values; letters count. */
function isLetThrough({ attributes }: SnsMessage, policy: Readonly<Record<string, readonly string[]>>): boolean {
  return Object.entries(policy).every(([name, values]) => {
    const value = attributes[name];
    return value !== undefined && values.includes(value);
  });
}

function invalid(code: string, message: string): SimFault {
  return new SimFault(code, 400, message);
}
