import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import { mockClient } from "aws-sdk-client-mock";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { PublishedEvent } from "../publisher.ts";

const root = join(import.meta.dirname, "../..");
const folder = join(root, "temp/readme-queue");
const readme = readFileSync(join(root, "README.md"), "utf8");
const sqs = mockClient(SQSClient);

afterAll(() => sqs.restore());

interface Publish {
  publishMerged(queueUrl: string, stackId: string, deliveryId: string): Promise<PublishedEvent>;
}

beforeAll(() => {
  const [, text = ""] = /```ts\n(\/\/ file: publish\.ts\n[\s\S]*?)```/.exec(readme) ?? [];
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "publish.ts"), text);
});
afterAll(() => rmSync(folder, { recursive: true }));

it("shows a program in the README that publishes to a queue", async () => {
  sqs.on(SendMessageBatchCommand).resolves({});
  const { publishMerged }: Publish = await import(join(folder, "publish.ts"));

  const QueueUrl = "https://sqs.eu-west-1.amazonaws.com/111122223333/stack-events";
  const event = await publishMerged(QueueUrl, "pr-12", "d-1");

  expect(event).toEqual({ eventId: "d-1", stackId: "pr-12" });
  expect(sqs.commandCalls(SendMessageBatchCommand, { QueueUrl })).toHaveLength(1);
});
