import { ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import {
  connectionReset,
  createQueueEdges,
  INVALID_RECEIPT,
  NOT_TAKEN,
  overLimit,
  requestThrottled,
} from "@stackyard/aws-sim";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createQueueReader } from "./queue-reader.ts";
import { createSqsTransport } from "./sqs-transport.ts";
import { anEvent } from "./testing/builders.ts";
import { type Emulator, startEmulator } from "./testing/start-emulator.ts";

let emulator: Emulator;
const edges = createQueueEdges();
beforeEach(async () => {
  emulator = await startEmulator();
  for (const { middlewareStack } of [emulator.sqs, emulator.sns]) middlewareStack.use(edges.plugin as never);
});
afterEach(() => emulator.stop());

const events = ["e1", "e2", "e3"].map((id) => ({ ...anEvent(), id }));

/** Ids of what lies in a queue. */
async function idsIn(QueueUrl: string): Promise<readonly string[]> {
  const { Messages = [] } = await emulator.sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
  return Messages.map(({ Body = "{}" }) => String(JSON.parse(Body).id)).toSorted();
}

describe("sending", () => {
  it.each([
    ["SendMessageBatch", false],
    ["PublishBatch", true],
  ])("sends again what %s has not taken, and that alone", async (operation, hasTopic) => {
    const url = await emulator.createQueue("events");
    const arn = hasTopic ? await emulator.createTopic("events", "events", { raw: true }) : "";
    const topic = hasTopic ? { eventTopic: { sns: emulator.sns, arn } } : {};
    edges.once(operation, { refusesEntry: (id) => (id === "1" ? NOT_TAKEN : undefined) });

    await createSqsTransport({ sqs: emulator.sqs, eventQueue: { url }, ...topic }).publish(events);

    expect(await idsIn(url)).toEqual(["e1", "e2", "e3"]);
  });

  it.each([
    ["is throttled", { refuses: requestThrottled() }],
    ["gets no answer", { loses: connectionReset() }],
  ])("reports a transient error when it %s", async (_what, edge) => {
    const url = await emulator.createQueue("events");
    edges.once("SendMessageBatch", edge);
    const transport = createSqsTransport({ sqs: emulator.sqs, eventQueue: { url } });

    await expect(transport.publish(events)).rejects.toMatchObject({ retryable: true });
  });
});

describe("reading", () => {
  const { signal } = new AbortController();
  const createReader = (queueUrl: string) =>
    createQueueReader({ sqs: emulator.sqs, queueUrl, visibilityMs: 60_000, waitMs: 1_000 });

  it("reports that too many messages are in flight, and continues when they no longer are", async () => {
    const url = await emulator.createQueue("events");
    const reader = createReader(url);
    await createSqsTransport({ sqs: emulator.sqs, eventQueue: { url } }).publish(events);
    edges.once("ReceiveMessage", { refuses: overLimit() });

    await expect(reader.receive(10, signal)).rejects.toMatchObject({ code: "RATE_LIMITED", retryable: true });

    expect(await reader.receive(10, signal)).not.toEqual([]);
  });

  it("reports the expired receipts and deletes the others", async () => {
    const url = await emulator.createQueue("events");
    const reader = createReader(url);
    await createSqsTransport({ sqs: emulator.sqs, eventQueue: { url } }).publish(events);
    const receipts = (await reader.receive(10, signal)).map(({ receiptHandle }) => receiptHandle);
    edges.once("DeleteMessageBatch", { refusesEntry: (id) => (id === "0" ? INVALID_RECEIPT : undefined) });

    expect(await reader.remove(receipts)).toMatchObject([
      { receiptHandle: receipts[0], code: "ReceiptHandleIsInvalid", lasting: true },
    ]);

    await reader.hide(receipts.slice(0, 1).map((receiptHandle) => ({ receiptHandle, forMs: 0 })));
    expect(await idsIn(url)).toHaveLength(1);
  });
});
