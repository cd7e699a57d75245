import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { createFakeClock } from "@stackyard/core/testing";
import { mockClient } from "aws-sdk-client-mock";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { createDeadLetterQueue, createDeadLetters } from "./dead-letters.ts";
import { decodeEvent, encodeEvent } from "./message-codec.ts";
import type { IncomingMessage, OutgoingMessage } from "./messages.ts";
import { anEvent, anIncoming, createRecordingLogger } from "./testing/builders.ts";

const sqs = mockClient(SQSClient);

afterAll(() => sqs.restore());
beforeEach(() => {
  sqs.reset();
  sqs.on(SendMessageBatchCommand).resolves({});
  sqs.on(DeleteMessageBatchCommand).resolves({});
  sqs.on(ChangeMessageVisibilityBatchCommand).resolves({});
});

async function giveUp(incoming: IncomingMessage) {
  const logger = createRecordingLogger();
  const queueUrl = "https://sqs.eu-west-1.amazonaws.com/111122223333/dead";
  const client = new SQSClient({ region: "eu-west-1" });
  const deps = { clock: createFakeClock(), random: () => 0, logger };
  const letters = createDeadLetters({ sqs: client, queueUrl, source: "stack-tasks", ...deps });
  const isSent = await letters.giveUp(incoming, { code: "MESSAGE_INVALID", reason: "It is not a task." });
  const [entry] = sqs.commandCalls(SendMessageBatchCommand)[0]?.args[0].input.Entries ?? [];
  return { isSent, logger, names: Object.keys(entry?.MessageAttributes ?? {}) };
}

const attributesOf = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`a${index}`, "1"]));

describe("giving up a message", () => {
  it("adds the reason to the sender's attributes", async () => {
    const { isSent, names } = await giveUp(anIncoming("{}", { attributes: attributesOf(9) }));

    expect([isSent, names]).toEqual([true, [...Object.keys(attributesOf(9)), "stackyard-dead-letter"]]);
  });

  it.each([
    ["has ten attributes, the most that a queue takes", anIncoming("{}", { attributes: attributesOf(10) })],
    ["is as large as a queue takes", anIncoming("x".repeat(1_048_500), { attributes: { a: "1" } })],
  ])("sends one that %s as it came; the log has the reason", async (_, incoming) => {
    const { isSent, logger, names } = await giveUp(incoming);

    expect([isSent, names]).toEqual([true, Object.keys(incoming.attributes)]);
    expect(logger.lines).toEqual(["warn A message was dead-lettered."]);
  });

  it("puts its reason in the place of an earlier one", async () => {
    const attributes = { ...attributesOf(9), "stackyard-dead-letter": "{}" };

    const { names } = await giveUp(anIncoming("{}", { attributes }));

    expect(names).toContain("stackyard-dead-letter");
  });
});

const QUEUES = "https://sqs.eu-west-1.amazonaws.com/111122223333/";

const KEY = "k".repeat(43);
const RESULT = anEvent({
  id: "result:s1/created/1/plan/1",
  origin: "worker",
  message: { event: "TASK_COMPLETED", stackId: "s1", dispatchId: "s1/created/1/plan/1" },
});

/** A dead letter as SQS moves it, or as a sender sends it, without a reason. */
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
      if (sent > 20) throw new Error("Too many messages were sent.");
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
