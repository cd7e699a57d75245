import type { QueuedEvent } from "@stackyard/core/engine";
import { createFakeClock } from "@stackyard/core/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSqsTransport } from "./create-sqs-transport.ts";
import { createDeadLetterQueue } from "./dead-letter-queue.ts";
import { createSetAsideSender } from "./set-aside-sender.ts";
import { anEvent } from "./testing/an-event.ts";
import { type Emulator, startEmulator } from "./testing/start-emulator.ts";

let emulator: Emulator;
beforeEach(async () => {
  emulator = await startEmulator();
});
afterEach(() => emulator.stop());

describe.each(["", ".fifo"])("an event that was set aside, on queues named *%s", (suffix) => {
  it("lies in the dead-letter queue with its reason, and is sent again under its id", async () => {
    const { sqs } = emulator;
    const url = await emulator.createQueue(`dead${suffix}`);
    const targetUrl = await emulator.createQueue(`events${suffix}`);
    const clock = createFakeClock();
    const sender = createSetAsideSender({ sqs, queueUrl: url, clock, random: () => 0, claimChecks: undefined });
    const event = anEvent({ id: "e1", stackId: "pr-12", message: { event: "MERGED" } });

    await sender.send([{ id: "s1", event, code: "EVENT_NOT_HANDLED", reason: "no ".repeat(1_000), setAsideAt: 5 }]);

    const letters = createDeadLetterQueue({ sqs, url, targetUrl });
    expect(await letters.list()).toEqual([
      {
        messageId: expect.any(String),
        body: JSON.stringify({ event: "MERGED", stackId: "pr-12", id: "e1" }),
        stackId: "pr-12",
        why: {
          code: "EVENT_NOT_HANDLED",
          reason: "no ".repeat(1_000).slice(0, 1_024),
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
    const sender = createSetAsideSender({ sqs, queueUrl: url, clock, random, claimChecks: undefined, resultKey });
    const message = { event: "TASK_COMPLETED", stackId: "s1", dispatchId: "s1/e1/1/db/1" };
    const event = anEvent({ id: "result:s1/e1/1/db/1", origin: "worker", message });
    await sender.send([{ id: "s1", event, code: "MACHINE_INVALID", reason: "It is broken.", setAsideAt: 5 }]);

    await createDeadLetterQueue({ sqs, url, targetUrl, resultKey }).redrive();

    const transport = createSqsTransport({ sqs, eventQueue: { url: targetUrl }, waitMs: 1_000, resultKey });
    const { promise, resolve } = Promise.withResolvers<QueuedEvent | undefined>();
    const handle: Parameters<typeof transport.consumeEvents>[0] = async (deliveries) => {
      resolve(deliveries[0]?.event);
      return deliveries.map(() => ({ kind: "done" }));
    };
    const consumer = transport.consumeEvents(handle, { batchSize: 1, concurrency: 1 });
    expect(await promise).toEqual(event);
    await consumer.stop();
  });
});
