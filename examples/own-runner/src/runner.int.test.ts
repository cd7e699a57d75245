import { CreateTopicCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import { CreateQueueCommand, GetQueueAttributesCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { buildApp } from "fauxqs";
import { afterAll, beforeAll, expect, it, vi } from "vitest";

const app = buildApp({ logger: false, defaultRegion: "eu-west-1" });
const account = { region: "eu-west-1", credentials: { accessKeyId: "test", secretAccessKey: "test" } };
let sqs: SQSClient;
let sns: SNSClient;
beforeAll(async () => {
  const endpoint = await app.listen({ host: "127.0.0.1", port: 0 });
  sqs = new SQSClient({ ...account, endpoint });
  sns = new SNSClient({ ...account, endpoint });
  const variables = { AWS_REGION: "eu-west-1", AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  vi.stubEnv("AWS_ENDPOINT_URL", endpoint);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  sqs.destroy();
  sns.destroy();
  await app.close();
});

async function createQueue(QueueName: string): Promise<{ readonly url: string; readonly arn: string }> {
  const { QueueUrl: url = "" } = await sqs.send(new CreateQueueCommand({ QueueName }));
  const ask = new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["QueueArn"] });
  return { url, arn: (await sqs.send(ask)).Attributes?.QueueArn ?? "" };
}

async function takeBody(QueueUrl: string): Promise<Record<string, unknown>> {
  const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }));
  return JSON.parse(Messages[0]?.Body ?? "{}");
}

it("runs a task with an executor of its own, and answers", async () => {
  const [events, people] = [await createQueue("stack-events"), await createQueue("people")];
  const { TopicArn: topic = "" } = await sns.send(new CreateTopicCommand({ Name: "releases" }));
  const attributes = { RawMessageDelivery: "false" };
  await sns.send(
    new SubscribeCommand({ TopicArn: topic, Protocol: "sqs", Endpoint: people.arn, Attributes: attributes }),
  );
  vi.stubEnv("SQS_EVENT_QUEUE_URL", events.url);
  const { handler } = await import("../runner.ts");
  const task = { name: "announce-release", executor: "announce", config: { topic, text: "A release is out." } };
  const body = JSON.stringify({ task, stack: { id: "v-12", machine: "release", _state: "ANNOUNCING" } });
  const record = { messageId: "m1", receiptHandle: "r1", body, attributes: {}, messageAttributes: {} };
  const eventSourceARN = "arn:aws:sqs:eu-west-1:000000000000:stack-tasks";

  const answer = await handler(
    { Records: [{ ...record, eventSource: "aws:sqs", eventSourceARN }] },
    { getRemainingTimeInMillis: () => 600_000 },
  );

  expect(answer).toEqual({ batchItemFailures: [] });
  const heard = await takeBody(people.url);
  expect(heard).toMatchObject({ Subject: "v-12", Message: "A release is out." });
  expect(await takeBody(events.url)).toMatchObject({
    event: "TASK_COMPLETED",
    stackId: "v-12",
    task,
    outputs: { messageId: heard["MessageId"] },
  });
});
