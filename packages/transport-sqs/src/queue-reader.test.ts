import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { mockClient } from "aws-sdk-client-mock";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { createQueueReader, deleteMessages } from "./queue-reader.ts";

const QUEUE = "https://sqs.eu-west-1.amazonaws.com/111122223333/stack-events";
const signal = new AbortController().signal;

const sqs = mockClient(SQSClient);

afterAll(() => sqs.restore());
beforeEach(() => sqs.reset());

function createReader() {
  const client = new SQSClient({ region: "eu-west-1" });
  return createQueueReader({ sqs: client, queueUrl: QUEUE, visibilityMs: 60_000, waitMs: 20_000 });
}

describe("receive", () => {
  it("waits for messages, hides them, and requests the attributes that it reads", async () => {
    sqs.on(ReceiveMessageCommand).resolves({
      Messages: [
        {
          MessageId: "m-1",
          ReceiptHandle: "r-1",
          Body: "{}",
          Attributes: { ApproximateReceiveCount: "2", SentTimestamp: "1767225600000", SenderId: "AROA1:ada" },
          MessageAttributes: { a: { DataType: "String", StringValue: "1" }, b: { DataType: "Binary" } },
        },
      ],
    });

    const messages = await createReader().receive(7, signal);

    const incoming = { messageId: "m-1", receiptHandle: "r-1", body: "{}", attributes: { a: "1" } };
    expect(messages).toEqual([{ ...incoming, deliveries: 2, sentAt: 1_767_225_600_000, senderId: "AROA1:ada" }]);
    expect(sqs.commandCalls(ReceiveMessageCommand)[0]?.args[0].input).toEqual({
      QueueUrl: QUEUE,
      MaxNumberOfMessages: 7,
      WaitTimeSeconds: 20,
      VisibilityTimeout: 60,
      MessageAttributeNames: ["All"],
      MessageSystemAttributeNames: ["ApproximateReceiveCount", "SentTimestamp", "MessageGroupId", "SenderId"],
    });
  });

  it("gives nothing when it is aborted, before or while it waits", async () => {
    const stopping = new AbortController();
    sqs.on(ReceiveMessageCommand).callsFake(() => {
      stopping.abort();
      throw Object.assign(new Error("Request aborted"), { name: "AbortError" });
    });

    expect(await createReader().receive(1, stopping.signal)).toEqual([]);
    expect(await createReader().receive(1, stopping.signal)).toEqual([]);
    expect(sqs.calls()).toHaveLength(1);
  });

  it("throws errors of ours", async () => {
    sqs.on(ReceiveMessageCommand).rejects(Object.assign(new Error("No such queue."), { name: "QueueDoesNotExist" }));

    await expect(createReader().receive(1, signal)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });
});

describe("remove", () => {
  it("deletes in batches of ten and gives those that were not deleted", async () => {
    // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessageBatch.html: an entry fails by itself.
    const Failed = [
      { Id: "1", Code: "ReceiptHandleIsInvalid", Message: "The receipt handle has expired.", SenderFault: true },
      { Id: "2", Code: "InternalError", SenderFault: false },
    ];
    sqs.on(DeleteMessageBatchCommand).resolvesOnce({}).resolvesOnce({ Failed });
    const receipts = Array.from({ length: 13 }, (_, index) => `r${index}`);

    const failed = await createReader().remove(receipts);

    expect(sqs.commandCalls(DeleteMessageBatchCommand).map(({ args }) => args[0].input.Entries?.length)).toEqual([
      10, 3,
    ]);
    expect(failed).toEqual([
      {
        receiptHandle: "r11",
        code: "ReceiptHandleIsInvalid",
        reason: "The receipt handle has expired.",
        lasting: true,
      },
      { receiptHandle: "r12", code: "InternalError", reason: "", lasting: false },
    ]);
  });
});

describe("hide", () => {
  it("hides for whole seconds, each receipt for its own time", async () => {
    sqs.on(ChangeMessageVisibilityBatchCommand).resolves({});

    await createReader().hide([
      { receiptHandle: "r1", forMs: 0 },
      { receiptHandle: "r2", forMs: 1_500 },
    ]);

    expect(sqs.commandCalls(ChangeMessageVisibilityBatchCommand)[0]?.args[0].input.Entries).toEqual([
      { Id: "0", ReceiptHandle: "r1", VisibilityTimeout: 0 },
      { Id: "1", ReceiptHandle: "r2", VisibilityTimeout: 2 },
    ]);
  });
});

const inRegion = (region: string) => new SQSClient({ region });

describe("deleteMessages", () => {
  it.each([
    [
      "arn:aws:sqs:eu-west-1:111122223333:stack-events",
      "https://sqs.eu-west-1.amazonaws.com/111122223333/stack-events",
    ],
    ["arn:aws-cn:sqs:cn-north-1:111122223333:q.fifo", "https://sqs.cn-north-1.amazonaws.com.cn/111122223333/q.fifo"],
  ])("deletes from the queue %s", async (arn, QueueUrl) => {
    sqs.on(DeleteMessageBatchCommand).resolves({});

    expect(await deleteMessages(inRegion(arn.split(":")[3] ?? ""), arn, ["r1", "r2"])).toEqual([]);

    const Entries = ["r1", "r2"].map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle }));
    expect(sqs.commandCalls(DeleteMessageBatchCommand).map(({ args }) => args[0].input)).toEqual([
      { QueueUrl, Entries },
    ]);
  });

  it("says what was not deleted", async () => {
    const Failed = [{ Id: "1", Code: "ReceiptHandleIsInvalid", Message: "It has expired.", SenderFault: true }];
    sqs.on(DeleteMessageBatchCommand).resolves({ Failed });

    const failed = await deleteMessages(inRegion("eu-west-1"), "arn:aws:sqs:eu-west-1:1:q", ["r1", "r2"]);

    expect(failed).toMatchObject([{ receiptHandle: "r2", reason: "It has expired." }]);
  });

  it("throws where the role may not", async () => {
    sqs.on(DeleteMessageBatchCommand).rejects(Object.assign(new Error("No."), { name: "AccessDenied" }));

    const answer = deleteMessages(inRegion("eu-west-1"), "arn:aws:sqs:eu-west-1:1:q", ["r1"]);

    await expect(answer).rejects.toMatchObject({ code: "FORBIDDEN" });
  });

  it.each(["", "stack-events", "arn:aws:kinesis:eu-west-1:1:stream/s", "arn:aws:sqs:eu-west-1:"])(
    "will not guess the queue of %j",
    async (arn) => {
      await expect(deleteMessages(inRegion("eu-west-1"), arn, ["r1"])).rejects.toMatchObject({ code: "EVENT_INVALID" });
    },
  );
});
