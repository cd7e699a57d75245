import { SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import { createFakeClock } from "@stackyard/core/testing";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, it } from "vitest";
import type { OutgoingMessage } from "./outgoing-message.ts";
import { createQueueSender } from "./queue-sender.ts";

const QUEUE = "https://sqs.eu-west-1.amazonaws.com/111122223333/stack-tasks";

const sqs = mockClient(SQSClient);
beforeEach(() => sqs.reset());

function createSender(queueUrl: string) {
  const client = new SQSClient({ region: "eu-west-1" });
  return createQueueSender({
    sqs: client,
    queueUrl,
    clock: createFakeClock(),
    random: () => 0,
    claimChecks: undefined,
  });
}

function aMessage(overrides: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return { body: "{}", attributes: {}, groupId: "s1", deduplicationId: "d1", ...overrides };
}

const entries = () => sqs.commandCalls(SendMessageBatchCommand).map(({ args }) => args[0].input.Entries);

describe("createQueueSender", () => {
  it("sends to a standard queue with the delay in whole seconds", async () => {
    sqs.on(SendMessageBatchCommand).resolves({});

    await createSender(QUEUE).send([aMessage({ attributes: { a: "1" } })], { delayMs: 1_001 });

    const MessageAttributes = { a: { DataType: "String", StringValue: "1" } };
    expect(entries()).toEqual([[{ Id: "0", MessageBody: "{}", MessageAttributes, DelaySeconds: 2 }]]);
  });

  it("gives a message its own delay, in one call with others", async () => {
    sqs.on(SendMessageBatchCommand).resolves({});

    await createSender(QUEUE).send([aMessage({ delayMs: 59_001 }), aMessage(), aMessage({ delayMs: 0 })], {
      delayMs: 5_000,
    });

    expect(entries().map((batch) => batch?.map(({ DelaySeconds }) => DelaySeconds))).toEqual([[60, 5, 0]]);
  });

  it("refuses a delay of one message that a queue does not have, before it sends any", async () => {
    const sent = createSender(`${QUEUE}.fifo`).send([aMessage(), aMessage({ delayMs: 1_000 })]);

    await expect(sent).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    expect(entries()).toEqual([]);
  });

  it("says that there is no delay, since the queue may have one", async () => {
    sqs.on(SendMessageBatchCommand).resolves({});

    await createSender(QUEUE).send([aMessage()]);

    expect(entries()).toEqual([[{ Id: "0", MessageBody: "{}", DelaySeconds: 0 }]]);
  });

  it("names group and repeat on a FIFO queue", async () => {
    sqs.on(SendMessageBatchCommand).resolves({});

    await createSender(`${QUEUE}.fifo`).send([aMessage()]);

    expect(entries()).toEqual([[{ Id: "0", MessageBody: "{}", MessageGroupId: "s1", MessageDeduplicationId: "d1" }]]);
  });

  it.each([
    [QUEUE, 900_001, "at most 900000 ms"],
    [QUEUE, -1, "at most"],
    [`${QUEUE}.fifo`, 1, "FIFO queues delay no single message"],
  ])("refuses delays that %s does not have: %d ms", async (queueUrl, delayMs, reason) => {
    const sending = createSender(queueUrl).send([aMessage()], { delayMs });

    await expect(sending).rejects.toMatchObject({ code: "CONFIG_INVALID", message: expect.stringContaining(reason) });
    expect(entries()).toEqual([]);
  });

  it("refuses a message that is too large before it sends any", async () => {
    const sending = createSender(QUEUE).send([aMessage(), aMessage({ body: "x".repeat(1_048_577) })]);

    await expect(sending).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
    expect(entries()).toEqual([]);
  });

  it("says what to do when the call is not allowed", async () => {
    const error = Object.assign(new Error("User is not authorized to perform: sqs:sendmessage"), {
      name: "AccessDenied",
    });
    sqs.on(SendMessageBatchCommand).rejects(error);

    await expect(createSender(QUEUE).send([aMessage()])).rejects.toMatchObject({
      code: "FORBIDDEN",
      message: expect.stringContaining(`Sending to the queue ${QUEUE} failed with AccessDenied`),
    });
  });
});
