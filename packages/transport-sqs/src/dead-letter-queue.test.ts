import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { mockClient } from "aws-sdk-client-mock";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { createDeadLetterQueue } from "./dead-letter-queue.ts";
import { decodeEvent } from "./decode-event.ts";
import { encodeEvent } from "./encode-event.ts";
import type { OutgoingMessage } from "./outgoing-message.ts";
import { anEvent } from "./testing/an-event.ts";
import { anIncoming } from "./testing/builders.ts";

const QUEUES = "https://sqs.eu-west-1.amazonaws.com/111122223333/";

const KEY = "k".repeat(43);
const RESULT = anEvent({
  id: "result:s1/created/1/plan/1",
  origin: "worker",
  message: { event: "TASK_COMPLETED", stackId: "s1", dispatchId: "s1/created/1/plan/1" },
});

const sqs = mockClient(SQSClient);

afterAll(() => sqs.restore());
beforeEach(() => {
  sqs.reset();
  sqs.on(DeleteMessageBatchCommand).resolves({});
  sqs.on(ChangeMessageVisibilityBatchCommand).resolves({});
});

/** A letter as SQS moves it, or as it is sent, without a reason. */
function aLetter(name: string, { body, attributes }: Pick<OutgoingMessage, "body" | "attributes">): Message {
  const texts = Object.entries(attributes).map(([key, StringValue]) => [key, { DataType: "String", StringValue }]);
  return { MessageId: name, ReceiptHandle: name, Body: body, MessageAttributes: Object.fromEntries(texts) };
}

/** A dead-letter queue to which comes back, under another id, whatever is sent again. */
function createCircle(...letters: readonly Message[]) {
  const lying = [...letters];
  let sent = 0;
  sqs.on(ReceiveMessageCommand).callsFake(() => ({ Messages: lying.splice(0, 10) }));
  sqs.on(SendMessageBatchCommand).callsFake(({ Entries = [] }) => {
    for (const { MessageBody, MessageAttributes } of Entries) {
      sent += 1;
      if (sent > 20) throw new Error("This goes on and on.");
      lying.push({ MessageId: `m-${sent}`, ReceiptHandle: `m-${sent}`, Body: MessageBody, MessageAttributes });
    }
    return {};
  });
  const options = { url: `${QUEUES}event-dead-letters`, targetUrl: `${QUEUES}stack-events`, resultKey: KEY };
  return createDeadLetterQueue({ sqs: new SQSClient({ region: "eu-west-1" }), ...options });
}

describe("createDeadLetterQueue", () => {
  it("sends no event again that has come back meanwhile, and every other one", async () => {
    const [first, second] = ["e1", "e2"].map((id) => aLetter(id, encodeEvent(anEvent({ id }), KEY)));
    const queue = createCircle(...[first, second].flatMap((letter) => letter ?? []));

    expect((await queue.redrive()).map(({ messageId }) => messageId)).toEqual(["e1", "e2"]);
  });

  it.each([["{oops"], ['{"task":{"name":"db"}}']])("sends %s again once", async (body) => {
    const queue = createCircle(aLetter("first", { body, attributes: {} }));

    expect((await queue.redrive()).map(({ messageId }) => messageId)).toEqual(["first"]);
  });

  it("sends a result again after an event that only names its id", async () => {
    const forged = encodeEvent(RESULT, undefined);
    const queue = createCircle(aLetter("forged", forged), aLetter("result", encodeEvent(RESULT, KEY)));

    expect((await queue.redrive()).map(({ messageId }) => messageId)).toEqual(["forged", "result"]);
  });

  it("leaves a result the proof that came in the envelope of a topic", async () => {
    const { body: Message, attributes } = encodeEvent(RESULT, KEY);
    const values = Object.entries(attributes).map(([name, Value]) => [name, { Type: "String", Value }]);
    const MessageAttributes = Object.fromEntries(values);
    const body = JSON.stringify({ Type: "Notification", MessageId: "sns-1", Message, MessageAttributes });
    const queue = createCircle(aLetter("result", { body, attributes: {} }));

    await queue.redrive();

    const [sent] = sqs.commandCalls(SendMessageBatchCommand)[0]?.args[0].input.Entries ?? [];
    expect(sent?.MessageAttributes ?? {}).toEqual({});
    expect(decodeEvent(anIncoming(sent?.MessageBody ?? ""), 0, KEY)).toEqual(RESULT);
  });

  it("sends two events again that say the same, for they are two", async () => {
    const same = { body: '{"stackId":"s1","event":"GO"}', attributes: {} };
    const queue = createCircle(aLetter("a", same), aLetter("b", same));

    expect((await queue.redrive()).map(({ messageId }) => messageId)).toEqual(["a", "b"]);
  });
});
