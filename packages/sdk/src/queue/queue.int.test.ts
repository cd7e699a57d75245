import { CreateTopicCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { buildApp } from "fauxqs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createQueuePublisher, createTopicPublisher } from "./index.ts";

const app = () => buildApp({ logger: false, defaultRegion: "eu-west-1" });

let emulator: ReturnType<typeof app>;
let endpoint: string;
let sqs: SQSClient;
let sns: SNSClient;
beforeEach(async () => {
  emulator = app();
  await emulator.listen({ host: "127.0.0.1", port: 0 });
  const address = emulator.server.address();
  endpoint = typeof address === "object" ? `http://127.0.0.1:${address?.port}` : "";
  const common = { endpoint, region: "eu-west-1", credentials: { accessKeyId: "test", secretAccessKey: "test" } };
  sqs = new SQSClient(common);
  sns = new SNSClient(common);
});
afterEach(async () => {
  sqs.destroy();
  sns.destroy();
  await emulator.close();
});

async function createQueue(QueueName: string): Promise<string> {
  const Attributes = QueueName.endsWith(".fifo") ? { FifoQueue: "true" } : {};
  await sqs.send(new CreateQueueCommand({ QueueName, Attributes }));
  return `${endpoint}/000000000000/${QueueName}`;
}

async function takeBodies(QueueUrl: string): Promise<readonly Record<string, unknown>[]> {
  const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
  return Messages.map(({ Body = "" }) => JSON.parse(Body));
}

const LAUNCH = { stackId: "pr-12", event: "LAUNCH", machine: "review-app", metadata: { text: "🚀 ü" } };

describe("publishing straight to AWS", () => {
  it("puts events into a queue", async () => {
    const queueUrl = await createQueue("stack-events");
    const publisher = createQueuePublisher({ sqs, queueUrl });

    const { eventId } = await publisher.publish(LAUNCH);

    expect(await takeBodies(queueUrl)).toEqual([{ ...LAUNCH, id: eventId }]);
  });

  it("puts an event into a FIFO queue once, however often it is published", async () => {
    const queueUrl = await createQueue("stack-events.fifo");
    const publisher = createQueuePublisher({ sqs, queueUrl });

    await publisher.publishMany([
      { ...LAUNCH, id: "e1" },
      { ...LAUNCH, id: "e1" },
    ]);
    await publisher.publish({ ...LAUNCH, id: "e1" });

    expect(await takeBodies(queueUrl)).toEqual([{ ...LAUNCH, id: "e1" }]);
    expect(await takeBodies(queueUrl)).toEqual([]);
  });

  it.each([
    ["stack-events", "events"],
    ["stack-events.fifo", "events.fifo"],
  ])("publishes to a topic in front of the queue %s", async (queueName, Name) => {
    const queueUrl = await createQueue(queueName);
    const Attributes = Name.endsWith(".fifo") ? { FifoTopic: "true" } : {};
    const { TopicArn: topicArn = "" } = await sns.send(new CreateTopicCommand({ Name, Attributes }));
    const Endpoint = `arn:aws:sqs:eu-west-1:000000000000:${queueName}`;
    const raw = { RawMessageDelivery: "true" };
    await sns.send(new SubscribeCommand({ TopicArn: topicArn, Protocol: "sqs", Endpoint, Attributes: raw }));
    const events = ["pr-1", "pr-2"].map((stackId) => ({ ...LAUNCH, stackId, id: "e1" }));

    const results = await createTopicPublisher({ sns, topicArn }).publishMany(events);

    expect(results.map(({ kind }) => kind)).toEqual(["accepted", "accepted"]);
    expect(await takeBodies(queueUrl)).toEqual(events);
  });
});
