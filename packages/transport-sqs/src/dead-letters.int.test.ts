import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { type EventDelivery, silentLogger } from "@stackyard/core";
import { type QueuedEvent, systemClock } from "@stackyard/core/engine";
import { createFakeClock } from "@stackyard/core/testing";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { createDeadLetterQueue, createDeadLetterSender, createDeadLetters } from "./dead-letters.ts";
import { encodeEvent } from "./message-codec.ts";
import { createSqsTransport } from "./sqs-transport.ts";
import { anEvent, anIncoming } from "./testing/builders.ts";
import { type Emulator, startEmulator } from "./testing/start-emulator.ts";

let emulator: Emulator;
beforeEach(async () => {
  emulator = await startEmulator();
});
afterEach(() => emulator.stop());

describe.each(["", ".fifo"])("a dead letter, on queues named *%s", (suffix) => {
  it("lies in the dead-letter queue with its reason, and is sent again under its id", async () => {
    const { sqs } = emulator;
    const url = await emulator.createQueue(`dead${suffix}`);
    const targetUrl = await emulator.createQueue(`events${suffix}`);
    const clock = createFakeClock();
    const sender = createDeadLetterSender({ sqs, queueUrl: url, clock, random: () => 0, claimChecks: undefined });
    const event = anEvent({ id: "e1", stackId: "pr-12", message: { event: "MERGED" } });

    await sender.send([{ id: "s1", event, code: "EVENT_NOT_HANDLED", reason: "no ".repeat(1_000), deadLetteredAt: 5 }]);

    const letters = createDeadLetterQueue({ sqs, url, targetUrl });
    expect(await letters.list()).toEqual([
      {
        messageId: expect.any(String),
        body: JSON.stringify({ event: "MERGED", stackId: "pr-12", id: "e1" }),
        stackId: "pr-12",
        why: {
          code: "EVENT_NOT_HANDLED",
          reason: `${"no ".repeat(1_000).slice(0, 1_023)}…`,
          at: 5,
          deliveries: 1,
          messageId: "e1",
          source: "stackyard",
        },
      },
    ]);
    expect((await letters.redrive()).map(({ stackId }) => stackId)).toEqual(["pr-12"]);
    expect(await createDeadLetterQueue({ sqs, url: targetUrl, targetUrl: url }).list()).toMatchObject([
      { body: JSON.stringify({ event: "MERGED", stackId: "pr-12", id: "e1" }), stackId: "pr-12" },
    ]);
  });

  it("is a runner's result still, when it is sent again", async () => {
    const { sqs } = emulator;
    const resultKey = "k".repeat(43);
    const url = await emulator.createQueue(`dead${suffix}`);
    const targetUrl = await emulator.createQueue(`events${suffix}`);
    const [clock, random] = [createFakeClock(), () => 0];
    const sender = createDeadLetterSender({ sqs, queueUrl: url, clock, random, claimChecks: undefined, resultKey });
    const message = { event: "TASK_COMPLETED", stackId: "s1", dispatchId: "s1/e1/1/db/1" };
    const event = anEvent({ id: "result:s1/e1/1/db/1", origin: "worker", message });
    await sender.send([{ id: "s1", event, code: "MACHINE_INVALID", reason: "It is broken.", deadLetteredAt: 5 }]);

    await createDeadLetterQueue({ sqs, url, targetUrl, resultKey }).redrive();

    const transport = createSqsTransport({ sqs, eventQueue: { url: targetUrl }, waitMs: 1_000, resultKey });
    const { promise, resolve } = Promise.withResolvers<QueuedEvent | undefined>();
    const handle: Parameters<typeof transport.consumeEvents>[0] = async (deliveries) => {
      resolve(deliveries[0]?.event);
      return deliveries.map(() => ({ kind: "done" }));
    };
    const consumer = transport.consumeEvents(handle, { batchSize: 1, concurrency: 1 });
    onTestFinished(consumer.stop);
    expect(await promise).toEqual(event);
  });
});

async function createBench(suffix = "") {
  const targetUrl = await emulator.createQueue(`events${suffix}`);
  const url = await emulator.createQueue(`dead${suffix}`);
  const deps = { sqs: emulator.sqs, clock: systemClock, random: Math.random, logger: silentLogger };
  const deadLetters = createDeadLetters({ ...deps, queueUrl: url, source: targetUrl });
  return { targetUrl, url, deadLetters, queue: createDeadLetterQueue({ sqs: emulator.sqs, url, targetUrl }) };
}

/** Returns the next `count` events of a queue. */
function takeEvents(url: string, count: number): Promise<readonly EventDelivery[]> {
  const taken: EventDelivery[] = [];
  const transport = createSqsTransport({ sqs: emulator.sqs, eventQueue: { url }, waitMs: 1_000 });
  return new Promise((resolve) => {
    const subscription = transport.consumeEvents(
      async (deliveries) => {
        taken.push(...deliveries);
        if (taken.length === count) queueMicrotask(() => void subscription.stop().then(() => resolve(taken)));
        return deliveries.map(() => ({ kind: "done" }));
      },
      { batchSize: 10, concurrency: 1 },
    );
    onTestFinished(subscription.stop);
  });
}

const WHY = { code: "DELIVERY_FAILED", reason: "The store does not answer." };

describe("createDeadLetterQueue", () => {
  it("lists letters with their reasons, and they stay", async () => {
    const { queue, deadLetters, targetUrl } = await createBench();
    const { body, attributes } = encodeEvent(anEvent(), undefined);
    await deadLetters.giveUp(anIncoming(body, { attributes, deliveries: 5 }), WHY);

    const [first] = await queue.list();

    expect(first).toMatchObject({
      body,
      stackId: "s1",
      why: { ...WHY, deliveries: 5, messageId: "m-1", source: targetUrl },
    });
    expect(await queue.list()).toEqual([first]);
  });

  it("lists at most as many as the limit", async () => {
    const { queue, deadLetters } = await createBench();
    for (const id of ["a", "b", "c"]) await deadLetters.giveUp(anIncoming("{}", { messageId: id }), WHY);

    expect(await queue.list({ maxLetters: 2 })).toHaveLength(2);
    expect(await queue.list()).toHaveLength(3);
  });

  it.each([[""], [".fifo"]])("sends events again as they were published, queues named *%s", async (suffix) => {
    const { queue, deadLetters, targetUrl } = await createBench(suffix);
    const event = anEvent({ actor: "ada" });
    const { body, attributes, groupId } = encodeEvent(event, undefined);
    await deadLetters.giveUp(anIncoming(body, { attributes, groupId }), WHY);

    expect(await queue.redrive()).toMatchObject([{ stackId: "s1", why: WHY }]);

    expect(await takeEvents(targetUrl, 1)).toEqual([{ event, deliveries: 1 }]);
    expect(await queue.list()).toEqual([]);
  });

  it("keeps the id of an event that named none, so that it is applied once", async () => {
    const { queue, deadLetters, targetUrl } = await createBench();
    await deadLetters.giveUp(anIncoming('{"stackId":"s1","event":"GO"}', { messageId: "first-id" }), WHY);

    await queue.redrive();

    expect((await takeEvents(targetUrl, 1)).map(({ event }) => event.id)).toEqual(["first-id"]);
  });

  it("sends again what SQS has moved by itself, without a reason", async () => {
    const { queue, url, targetUrl } = await createBench();
    const MessageBody = '{"stackId":"s1","event":"GO","id":"e1"}';
    await emulator.sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody }));

    const [letter] = await queue.redrive();

    expect(letter).toEqual({ messageId: letter?.messageId, body: MessageBody, stackId: "s1" });
    expect((await takeEvents(targetUrl, 1)).map(({ event }) => event.id)).toEqual(["e1"]);
  });

  it("sends only what is wanted; the others are there at once", async () => {
    const { queue, deadLetters, targetUrl } = await createBench();
    for (const stackId of ["s1", "s2", "s3"]) {
      const { body, attributes } = encodeEvent(anEvent({ stackId }), undefined);
      await deadLetters.giveUp(anIncoming(body, { attributes, messageId: stackId }), WHY);
    }

    const sent = await queue.redrive(({ stackId }) => stackId === "s2");

    expect(sent.map(({ stackId }) => stackId)).toEqual(["s2"]);
    expect((await takeEvents(targetUrl, 1)).map(({ event }) => event.stackId)).toEqual(["s2"]);
    expect((await queue.list()).map(({ stackId }) => stackId).toSorted()).toEqual(["s1", "s3"]);
  });
});
