import { ChangeMessageVisibilityCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { expect, it } from "vitest";
import { ACCOUNT, createWorld, OTHER } from "./testing/a-world.ts";

function createQueue() {
  const world = createWorld();
  const QueueUrl = world.sim.sqs.addQueue({ account: ACCOUNT, region: "eu-west-1", name: "work" });
  return { ...world, QueueUrl, sqs: world.client(SQSClient) };
}

it("refuses strangers, queues that are not there, and messages that are too long", async () => {
  const { sqs, QueueUrl, client, sim } = createQueue();
  const stranger = client(SQSClient, sim.iam.addUser({ account: OTHER, name: "them" }));
  const send = (as = sqs, url = QueueUrl, MessageBody = "x") =>
    as.send(new SendMessageCommand({ QueueUrl: url, MessageBody }));

  await expect(send(stranger)).rejects.toMatchObject({ name: "AccessDeniedException" });
  await expect(send(sqs, `${QueueUrl}-2`)).rejects.toMatchObject({ name: "QueueDoesNotExist" });
  await expect(send(sqs, QueueUrl, "x".repeat(1_048_577))).rejects.toMatchObject({ name: "InvalidParameterValue" });
});

it("keeps messages with their attributes, and has none to change", async () => {
  const { sqs, QueueUrl, sim } = createQueue();
  const MessageAttributes = { from: { DataType: "String", StringValue: "me" } };
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "one", MessageAttributes }));

  const change = new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle: "r", VisibilityTimeout: 0 });

  await expect(sqs.send(change)).rejects.toMatchObject({ name: "InvalidParameterValue" });
  expect(sim.sqs.messages(QueueUrl)).toMatchObject([{ body: "one", attributes: { from: "me" } }]);
});
