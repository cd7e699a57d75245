import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { expect, it } from "vitest";
import { ACCOUNT, createWorld, OTHER } from "../testing/a-world.ts";

function createQueue() {
  const world = createWorld();
  const QueueUrl = world.sim.sqs.addQueue({ account: ACCOUNT, region: "eu-west-1", name: "work" });
  const sqs = world.client(SQSClient);
  const receive = () =>
    sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 60 }));
  return { ...world, QueueUrl, sqs, receive };
}

it("keeps messages until they are deleted, and shows none to two at a time", async () => {
  const { sqs, QueueUrl, receive, clock, sim } = createQueue();
  const MessageAttributes = { from: { DataType: "String", StringValue: "me" } };
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "one", MessageAttributes }));

  const first = await receive();
  const meanwhile = await receive();
  await clock.advance(60_000);
  const second = await receive();

  expect(first.Messages).toMatchObject([{ Body: "one", Attributes: { ApproximateReceiveCount: "1" } }]);
  expect(meanwhile.Messages ?? []).toEqual([]);
  expect(second.Messages?.[0]?.Attributes).toEqual({ ApproximateReceiveCount: "2" });
  await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: first.Messages?.[0]?.ReceiptHandle }));
  expect(sim.sqs.messages(QueueUrl)).toMatchObject([{ body: "one", attributes: { from: "me" } }]);
  await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: second.Messages?.[0]?.ReceiptHandle }));
  expect(sim.sqs.messages(QueueUrl)).toEqual([]);
});

it("gives a message back at once to who changes its visibility", async () => {
  const { sqs, QueueUrl, receive } = createQueue();
  const Entries = ["a", "b"].map((MessageBody) => ({ Id: MessageBody, MessageBody }));
  await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
  const { Messages = [] } = await receive();

  const ReceiptHandle = Messages[1]?.ReceiptHandle;
  await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }));

  expect((await receive()).Messages?.map(({ Body }) => Body)).toEqual(["b"]);
});

it("refuses strangers, queues that are not there, and batches that are too large or empty", async () => {
  const { sqs, QueueUrl, client, sim } = createQueue();
  const stranger = client(SQSClient, sim.iam.addUser({ account: OTHER, name: "them" }));
  const send = (as = sqs, url = QueueUrl, MessageBody = "x") =>
    as.send(new SendMessageCommand({ QueueUrl: url, MessageBody }));

  await expect(send(stranger)).rejects.toMatchObject({ name: "AccessDeniedException" });
  await expect(send(sqs, `${QueueUrl}-2`)).rejects.toMatchObject({ name: "QueueDoesNotExist" });
  await expect(send(sqs, QueueUrl, "x".repeat(1_048_577))).rejects.toMatchObject({ name: "InvalidParameterValue" });
  const Entries = Array.from({ length: 11 }, (_, n) => ({ Id: `${n}`, MessageBody: "x" }));
  await expect(sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }))).rejects.toMatchObject({
    name: "TooManyEntriesInBatchRequest",
  });
  await expect(sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries: [] }))).rejects.toMatchObject({
    name: "EmptyBatchRequest",
  });
});
