import { ReceiveMessageCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import type { DeliveryOutcome, EventDelivery, TaskDelivery } from "@stackyard/core";
import { createFakeClock } from "@stackyard/core/testing";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { createSqsTransport, type SqsTransportOptions } from "./sqs-transport.ts";
import { anEvent, aTask } from "./testing/builders.ts";
import { type Emulator, startEmulator } from "./testing/start-emulator.ts";

const DONE: DeliveryOutcome = { kind: "done" };

let emulator: Emulator;
beforeEach(async () => {
  emulator = await startEmulator();
});
afterEach(async () => {
  vi.useRealTimers();
  await emulator.stop();
});

/** The next event that comes; the consumer stops after it. */
async function nextEvent(options: Omit<SqsTransportOptions, "sqs">): Promise<EventDelivery> {
  const transport = createSqsTransport({ sqs: emulator.sqs, waitMs: 1_000, ...options });
  const deliveries: EventDelivery[] = [];
  await new Promise<void>((resolve) => {
    const subscription = transport.consumeEvents(
      async (given) => {
        deliveries.push(...given);
        queueMicrotask(() => void subscription.stop().then(resolve));
        return given.map(() => DONE);
      },
      { batchSize: 1, concurrency: 1 },
    );
    onTestFinished(subscription.stop);
  });
  return deliveries[0] as EventDelivery;
}

/** What lies in a queue: bodies with their text attributes. */
async function peek(QueueUrl: string) {
  const request = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ["All"] });
  const { Messages = [] } = await emulator.sqs.send(request);
  return Messages.map(({ Body = "", MessageAttributes = {} }) => ({
    body: JSON.parse(Body),
    attributes: Object.fromEntries(
      Object.entries(MessageAttributes).map(([name, { StringValue }]) => [name, StringValue]),
    ),
  }));
}

describe("events", () => {
  it("lie in the queue as the predecessor's messages", async () => {
    const url = await emulator.createQueue("events");

    await createSqsTransport({ sqs: emulator.sqs, eventQueue: { url } }).publish([anEvent()]);

    const [message] = await peek(url);
    expect(message?.body).toEqual({ event: "PUSH", stackId: "s1", metadata: { sha: "9f1c" }, id: "e1" });
  });

  it("come from the predecessor's senders", async () => {
    const url = await emulator.createQueue("events");
    const body = '{"stackId":"pr-12","action":"LAUNCH","machine":"review-app"}';
    const { MessageId } = await emulator.sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: body }));

    expect(await nextEvent({ eventQueue: { url } })).toMatchObject({
      event: {
        id: MessageId,
        stackId: "pr-12",
        message: { stackId: "pr-12", action: "LAUNCH", machine: "review-app" },
      },
      deliveries: 1,
    });
  });

  it("have the sender that the queue names, unless they come in the envelope of a topic", async () => {
    const eventQueue = { url: await emulator.createQueue("events") };
    const arn = await emulator.createTopic("events", "events", { raw: false });
    const seen: string[] = [];
    const findSender = (id: string) => {
      seen.push(id);
      return { kind: "aws", id, name: "ada", groups: ["ops"] } as const;
    };

    await createSqsTransport({ sqs: emulator.sqs, eventQueue }).publish([anEvent({ actor: "mallory" })]);
    const direct = await nextEvent({ eventQueue, findSender });
    const eventTopic = { sns: emulator.sns, arn };
    await createSqsTransport({ sqs: emulator.sqs, eventQueue, eventTopic }).publish([anEvent({ id: "e2" })]);
    const enveloped = await nextEvent({ eventQueue, findSender });

    expect(seen).toEqual([expect.stringMatching(/^\w+/)]);
    expect(direct.event).toEqual(
      anEvent({ actor: "ada", sender: { kind: "aws", id: seen[0] ?? "", name: "ada", groups: ["ops"] } }),
    );
    expect(enveloped.event).toEqual(anEvent({ id: "e2" }));
  });

  it.each([
    ["with raw delivery", "events", true],
    ["in envelopes", "events", false],
    ["of FIFO queues", "events.fifo", true],
  ])("come through a topic %s as they were published", async (_, queue, raw) => {
    const eventQueue = { url: await emulator.createQueue(queue) };
    const arn = await emulator.createTopic(queue, queue, { raw });
    const event = anEvent({ actor: "ada", message: { event: "PUSH", stackId: "s1", metadata: { text: "🚀 ü" } } });

    await createSqsTransport({ sqs: emulator.sqs, eventTopic: { sns: emulator.sns, arn } }).publish([event]);

    expect(await nextEvent({ eventQueue })).toEqual({ event, deliveries: 1 });
  });

  it("of runners are trusted only by processes that have their key", async () => {
    const url = await emulator.createQueue("events");
    const message = { event: "TASK_COMPLETED", stackId: "s1", dispatchId: "s1/e1/1/db/1" };
    const event = anEvent({ id: "result:s1/e1/1/db/1", origin: "worker", message });
    const publish = (key: Partial<SqsTransportOptions>) =>
      createSqsTransport({ sqs: emulator.sqs, eventQueue: { url }, ...key }).publish([event]);

    await publish({});
    expect(await nextEvent({ eventQueue: { url }, resultKey: "key" })).toMatchObject({ event: { origin: "external" } });
    await publish({ resultKey: "key" });
    expect(await nextEvent({ eventQueue: { url }, resultKey: "key" })).toEqual({ event, deliveries: 1 });
    await publish({ resultKey: "key" });
    expect(await nextEvent({ eventQueue: { url } })).toMatchObject({ event: { origin: "external" } });
  });

  it("come from a bus", async () => {
    const url = await emulator.createQueue("events");
    const body = { id: "bus-1", source: "ci", "detail-type": "Merged", detail: { stackId: "s1", event: "MERGED" } };
    await emulator.sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: JSON.stringify(body) }));

    expect(await nextEvent({ eventQueue: { url } })).toMatchObject({
      event: { id: "bus-1", stackId: "s1", message: { stackId: "s1", event: "MERGED" } },
    });
  });

  it("are one message when they are published twice in five minutes to a FIFO queue", async () => {
    const url = await emulator.createQueue("events.fifo");
    const transport = createSqsTransport({ sqs: emulator.sqs, eventQueue: { url } });

    await transport.publish([anEvent()]);
    await transport.publish([anEvent(), anEvent({ stackId: "s2" })]);

    expect(await peek(url)).toHaveLength(2);
  });

  it("are published by the hundred", async () => {
    const url = await emulator.createQueue("events");
    const events = Array.from({ length: 100 }, (_, index) => anEvent({ id: `e${index}`, stackId: `s${index}` }));

    await createSqsTransport({ sqs: emulator.sqs, eventQueue: { url } }).publish(events);

    const seen = new Set<string>();
    for (let turns = 0; turns < 10; turns += 1) for (const { body } of await peek(url)) seen.add(body.id);
    expect(seen.size).toBe(100);
  });

  it("are taken out of a bucket when they are larger than the queue takes", async () => {
    const eventQueue = { url: await emulator.createQueue("events", { MaximumMessageSize: "2048" }) };
    await emulator.createBucket("bodies");
    const claimChecks = { s3: emulator.s3, bucket: "bodies" };
    const event = anEvent({ message: { event: "PUSH", stackId: "s1", metadata: { text: "x".repeat(4_000) } } });

    await createSqsTransport({ sqs: emulator.sqs, eventQueue, claimChecks, maxMessageBytes: 2_048 }).publish([event]);

    expect(await nextEvent({ eventQueue, claimChecks })).toEqual({ event, deliveries: 1 });
  });

  it("are refused, with what to do, when the queue takes less than was said", async () => {
    const eventQueue = { url: await emulator.createQueue("events", { MaximumMessageSize: "2048" }) };
    const event = anEvent({ message: { event: "PUSH", stackId: "s1", metadata: { text: "x".repeat(4_000) } } });

    const publishing = createSqsTransport({ sqs: emulator.sqs, eventQueue }).publish([event]);

    await expect(publishing).rejects.toMatchObject({
      code: "PAYLOAD_TOO_LARGE",
      message: expect.stringContaining("name a bucket for large bodies (claimChecks;"),
    });
  });

  it("lie in the bucket when the queue takes less than was said", async () => {
    const eventQueue = { url: await emulator.createQueue("events", { MaximumMessageSize: "2048" }) };
    await emulator.createBucket("bodies");
    const claimChecks = { s3: emulator.s3, bucket: "bodies" };
    const metadata = { text: "x".repeat(4_000) };
    const transport = createSqsTransport({ sqs: emulator.sqs, eventQueue, claimChecks, waitMs: 1_000 });

    await transport.publish([
      anEvent({ id: "small" }),
      anEvent({ message: { event: "PUSH", stackId: "s1", metadata } }),
    ]);

    const { promise, resolve } = Promise.withResolvers<readonly unknown[]>();
    const taken: unknown[] = [];
    const subscription = transport.consumeEvents(
      async (deliveries) => {
        taken.push(...deliveries.map(({ event }) => event.message["metadata"]));
        if (taken.length === 2) resolve(taken);
        return deliveries.map(() => ({ kind: "done" }));
      },
      { batchSize: 10, concurrency: 1 },
    );
    onTestFinished(subscription.stop);
    expect(await promise).toEqual([{ sha: "9f1c" }, metadata]);
  });

  it("carry trace context, which is passed to their worker", async () => {
    const eventQueue = { url: await emulator.createQueue("events") };
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const seen: unknown[] = [];
    const tracing: SqsTransportOptions["tracing"] = {
      inject: () => ({ traceparent, tracestate: "a=1" }),
      run(carriers, work) {
        seen.push(...carriers);
        return work();
      },
    };

    await createSqsTransport({ sqs: emulator.sqs, eventQueue, tracing }).publish([anEvent()]);
    await nextEvent({ eventQueue, tracing });

    expect(seen).toEqual([{ traceparent, tracestate: "a=1" }]);
  });

  it("carry the trace context that was kept with them, whatever is traced while they are sent", async () => {
    const taskQueue = { url: await emulator.createQueue("tasks") };
    const eventQueue = { url: await emulator.createQueue("events") };
    const traceparent = "00-1af7651916cd43dd8448eb211c80319c-c7ad6b7169203331-01";
    const now = { traceparent: traceparent.replace("1af", "0af"), tracestate: "of=another" };
    const tracing: SqsTransportOptions["tracing"] = { inject: () => now, run: (_carriers, work) => work() };
    const transport = createSqsTransport({ sqs: emulator.sqs, taskQueue, eventQueue, tracing });
    const [event, task] = [anEvent(), aTask()];

    await transport.publish([{ ...event, message: { ...event.message, traceparent } }]);
    await transport.sendTasks([{ ...task, dispatch: { ...task.dispatch, traceparent } }]);

    const sent = [...(await peek(eventQueue.url)), ...(await peek(taskQueue.url))];
    expect(sent.map(({ attributes }) => [attributes["traceparent"], attributes["tracestate"]])).toEqual([
      [traceparent, undefined],
      [traceparent, undefined],
    ]);
    expect(sent.map(({ body }) => body)).toEqual([expect.not.objectContaining({ traceparent }), task]);
  });

  it("keep their order only where both queue and topic do", () => {
    const keepsOrder = (url: string, arn?: string) => {
      const eventTopic = arn === undefined ? {} : { eventTopic: { sns: emulator.sns, arn } };
      return createSqsTransport({ sqs: emulator.sqs, eventQueue: { url }, ...eventTopic }).capabilities.keepsOrder;
    };

    expect(keepsOrder("http://q")).toBe(false);
    expect(keepsOrder("http://q.fifo")).toBe(true);
    expect(keepsOrder("http://q.fifo", "arn:aws:sns:eu-west-1:111122223333:t")).toBe(false);
    expect(keepsOrder("http://q.fifo", "arn:aws:sns:eu-west-1:111122223333:t.fifo")).toBe(true);
  });

  it("need a queue or a topic", async () => {
    const transport = createSqsTransport({ sqs: emulator.sqs });

    await expect(transport.publish([anEvent()])).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    expect(() => transport.consumeEvents(async () => [], { batchSize: 1, concurrency: 1 })).toThrow("eventQueue");
    expect(() => transport.consumeTasks(async () => DONE, { batchSize: 1, concurrency: 1 })).toThrow("taskQueue");
    await expect(transport.sendTasks([aTask()])).rejects.toMatchObject({
      message: expect.stringContaining("taskQueue"),
    });
  });
});

describe("dead letters", () => {
  /** Consumes in virtual time until nothing is under way any more. */
  async function consumeFor(ms: number, options: Omit<SqsTransportOptions, "sqs">, outcome: DeliveryOutcome) {
    const clock = createFakeClock();
    vi.useFakeTimers({ toFake: ["Date"], now: clock.now() });
    const transport = createSqsTransport({ sqs: emulator.sqs, clock, waitMs: 0, ...options });
    await transport.publish([anEvent()]);
    const counts: number[] = [];
    const subscription = transport.consumeEvents(
      async (deliveries) => {
        counts.push(...deliveries.map((delivery) => delivery.deliveries));
        return deliveries.map(() => outcome);
      },
      { batchSize: 10, concurrency: 1 },
    );
    onTestFinished(subscription.stop);
    for (let left = ms; left > 0; left -= 10_000) {
      await emulator.settle();
      await clock.advance(10_000);
      vi.setSystemTime(clock.now());
    }
    await emulator.settle();
    await subscription.stop();
    return counts;
  }

  it("say why, and lie in the queue that was named", async () => {
    const url = await emulator.createQueue("events");
    const deadLetterUrl = await emulator.createQueue("dead");
    const eventQueue = { url, deadLetterUrl, maxDeliveries: 2 };

    const counts = await consumeFor(120_000, { eventQueue }, { kind: "retry", reason: "The store does not answer." });

    expect(counts).toEqual([1, 2]);
    const [letter] = await peek(deadLetterUrl);
    expect(letter?.body).toMatchObject({ stackId: "s1", event: "PUSH", id: "e1" });
    expect(JSON.parse(letter?.attributes["stackyard-dead-letter"] ?? "{}")).toMatchObject({
      code: "DELIVERY_FAILED",
      reason: "The store does not answer.",
      deliveries: 2,
      source: url,
    });
    expect(letter?.attributes["stackyard"]).toBeDefined();
    expect(await peek(url)).toEqual([]);
  });

  it("go where the queue's own policy sends them when none is named", async () => {
    const deadLetterUrl = await emulator.createQueue("dead");
    const RedrivePolicy = JSON.stringify({
      deadLetterTargetArn: "arn:aws:sqs:eu-west-1:000000000000:dead",
      maxReceiveCount: 2,
    });
    const url = await emulator.createQueue("events", { RedrivePolicy });

    const counts = await consumeFor(120_000, { eventQueue: { url } }, { kind: "retry", reason: "No." });

    expect(counts).toEqual([1, 2]);
    expect(await peek(deadLetterUrl)).toHaveLength(1);
  });

  it("give a refused event the visibility timeout until it comes again", async () => {
    const url = await emulator.createQueue("events");
    const eventQueue = { url, visibilityMs: 30_000, maxDeliveries: 99 };

    const counts = await consumeFor(100_000, { eventQueue }, { kind: "retry", reason: "Refused.", refused: true });

    expect(counts).toEqual([1, 2, 3, 4]);
  });
});

describe("tasks", () => {
  it("have the predecessor's message format in the queue, with the dispatch added", async () => {
    const url = await emulator.createQueue("tasks");

    await createSqsTransport({ sqs: emulator.sqs, taskQueue: { url } }).sendTasks([aTask()]);

    const [message] = await peek(url);
    expect(message?.body).toEqual(aTask());
    expect(Object.keys(message?.body)).toEqual(["task", "stack", "dispatch"]);
  });

  it("that take long go to their own queue, and come from both", async () => {
    const taskQueue = { url: await emulator.createQueue("tasks") };
    const longTaskQueue = { url: await emulator.createQueue("long"), executors: new Set(["terraform"]) };
    const transport = createSqsTransport({ sqs: emulator.sqs, taskQueue, longTaskQueue, waitMs: 1_000 });
    const long = aTask("net", { task: { executor: "terraform", name: "net" } });

    await transport.sendTasks([aTask(), long]);
    expect((await peek(longTaskQueue.url)).map(({ body }) => body.task.name)).toEqual(["net"]);
    await transport.sendTasks([long]);

    const names: string[] = [];
    await new Promise<void>((resolve) => {
      const subscription = transport.consumeTasks(
        async ({ message }) => {
          names.push(message.task.name);
          if (names.length === 2) queueMicrotask(() => void subscription.stop().then(resolve));
          return DONE;
        },
        { batchSize: 1, concurrency: 1 },
      );
      onTestFinished(subscription.stop);
    });
    expect(names.toSorted()).toEqual(["db", "net"]);
  });

  it("wait for their delay", async () => {
    const clock = createFakeClock();
    vi.useFakeTimers({ toFake: ["Date"], now: clock.now() });
    const taskQueue = { url: await emulator.createQueue("tasks") };
    const transport = createSqsTransport({ sqs: emulator.sqs, taskQueue, clock, waitMs: 0 });

    await transport.sendTasks([aTask()], { delayMs: transport.capabilities.maxDelayMs });

    vi.setSystemTime(clock.now() + 899_999);
    expect(await peek(taskQueue.url)).toEqual([]);
    vi.setSystemTime(clock.now() + 900_000);
    expect(await peek(taskQueue.url)).toHaveLength(1);
  });

  it("have no delay where a queue of theirs is a FIFO queue", async () => {
    const { capabilities } = createSqsTransport({
      sqs: emulator.sqs,
      eventQueue: { url: "http://127.0.0.1/0/events" },
      taskQueue: { url: "http://127.0.0.1/0/tasks.fifo" },
    });

    expect(capabilities).toEqual({ maxDelayMs: 0, everyRunnerClaims: false, keepsOrder: false });
  });

  it("that are invalid become dead letters with the reason, and do not block others", async () => {
    const deadLetterUrl = await emulator.createQueue("dead");
    const taskQueue = { url: await emulator.createQueue("tasks"), deadLetterUrl };
    await emulator.sqs.send(new SendMessageCommand({ QueueUrl: taskQueue.url, MessageBody: "{oops" }));
    const transport = createSqsTransport({ sqs: emulator.sqs, taskQueue, waitMs: 1_000 });
    await transport.sendTasks([aTask()]);

    const delivery = await new Promise<TaskDelivery>((resolve) => {
      const subscription = transport.consumeTasks(
        async (given) => {
          queueMicrotask(() => void subscription.stop().then(() => resolve(given)));
          return DONE;
        },
        { batchSize: 1, concurrency: 1 },
      );
      onTestFinished(subscription.stop);
    });

    expect(delivery.message).toEqual(aTask());
    const { Messages = [] } = await emulator.sqs.send(
      new ReceiveMessageCommand({ QueueUrl: deadLetterUrl, MessageAttributeNames: ["All"] }),
    );
    expect(Messages[0]?.Body).toBe("{oops");
    expect(Messages[0]?.MessageAttributes?.["stackyard-dead-letter"]?.StringValue).toContain("MESSAGE_INVALID");
  });
});
