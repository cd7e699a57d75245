import { randomUUID } from "node:crypto";
import { StackyardError } from "@stackyard/core";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { type IncomingMessage, toIncomingMessage } from "./incoming-message.ts";

const Texts = Type.Record(Type.String(), Type.Optional(Type.String()));

/** The event that Lambda calls a function with (https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html); what is read of it. */
const SqsEvent = Type.Object({
  Records: Type.Array(
    Type.Object({
      /** Lambda always names it and the queue; events that people write by hand may do neither. */
      messageId: Type.Optional(Type.String({ minLength: 1 })),
      receiptHandle: Type.Optional(Type.String()),
      body: Type.String(),
      attributes: Type.Optional(Texts),
      messageAttributes: Type.Optional(
        Type.Record(Type.String(), Type.Object({ stringValue: Type.Optional(Type.String()) })),
      ),
      eventSourceARN: Type.Optional(Type.String()),
    }),
    { minItems: 1 },
  ),
});
type SqsEvent = Static<typeof SqsEvent>;

const validator = Compile(SqsEvent);

/** A batch of one queue. */
export interface SqsBatch {
  readonly queueArn: string;
  readonly messages: readonly IncomingMessage[];
}

/** Reads the event that Lambda calls a function with. Throws `EVENT_INVALID` for any other one. */
export function parseSqsBatch(event: unknown): SqsBatch {
  if (!validator.Check(event)) {
    const faults = validator.Errors(event).map(({ instancePath, message }) => `${instancePath || "/"} ${message}`);
    const text = `The function was called with no batch of a queue: ${faults.slice(0, 4).join("; ")}.`;
    throw new StackyardError("EVENT_INVALID", `${text} Connect it to its queue by an event source mapping.`);
  }
  const [first] = event.Records;
  return { queueArn: first?.eventSourceARN ?? "", messages: event.Records.map(toIncoming) };
}

function toIncoming(record: SqsEvent["Records"][number]): IncomingMessage {
  const { messageId = madeIdOf(record), receiptHandle, body, attributes = {}, messageAttributes = {} } = record;
  const texts = Object.entries(messageAttributes).map(([name, { stringValue }]) => [name, stringValue] as const);
  return toIncomingMessage({
    messageId,
    receiptHandle,
    body,
    system: attributes,
    attributes: Object.fromEntries(texts),
  });
}

const madeIds = new WeakMap<SqsEvent["Records"][number], string>();

/** A function and the handler that it calls both read the batch: they must find the same id. */
function madeIdOf(record: SqsEvent["Records"][number]): string {
  const id = madeIds.get(record) ?? randomUUID();
  madeIds.set(record, id);
  return id;
}
