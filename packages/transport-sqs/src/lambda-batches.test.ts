import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { ChangeMessageVisibilityBatchCommand, SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { DeliveryOutcome, EventDelivery, TaskDelivery } from "@stackyard/core";
import { mockClient } from "aws-sdk-client-mock";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import {
  type BatchItem,
  type BatchOptions,
  createEventBatchHandler,
  createTaskBatchHandler,
  type Invocation,
  parseSqsBatch,
  toBatchResponse,
} from "./lambda-batches.ts";
import { encodeEvent } from "./message-codec.ts";
import { anEvent, anSqsEvent, createRecordingLogger, type RecordSketch } from "./testing/builders.ts";

const DONE: DeliveryOutcome = { kind: "done" };
const FAILED: DeliveryOutcome = { kind: "retry", reason: "The store does not answer." };
const REFUSED: DeliveryOutcome = { kind: "retry", reason: "The event is refused.", refused: true };
const DEAD = "https://sqs.eu-west-1.amazonaws.com/111122223333/event-dead-letters";

const sqs = mockClient(SQSClient);
const s3 = mockClient(S3Client);

afterAll(() => {
  sqs.restore();
  s3.restore();
});
beforeEach(() => {
  sqs.reset();
  s3.reset();
});

const go = (stackId: string, more: Partial<RecordSketch> = {}): RecordSketch => ({
  body: { stackId, event: "GO" },
  ...more,
});

/** A handler whose outcomes are those of a stack's name. */
function createBench(outcomes: Readonly<Record<string, DeliveryOutcome>> = {}, options: BatchOptions = {}) {
  const calls: (readonly EventDelivery[])[] = [];
  const logger = createRecordingLogger();
  const handler = createEventBatchHandler(
    async (deliveries) => {
      calls.push(deliveries);
      return deliveries.map(({ event }) => outcomes[event.stackId] ?? DONE);
    },
    { logger, ...options },
  );
  const report = async (...records: readonly RecordSketch[]) => {
    const isFifo = records.some(({ group }) => group !== undefined);
    const { batchItemFailures } = await handler(anSqsEvent(records, isFifo ? "stack-events.fifo" : "stack-events"));
    return batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
  };
  return { calls, logger, report, handler };
}

function withDeadLetters(): BatchOptions {
  sqs.on(SendMessageBatchCommand).resolves({});
  return { deadLetters: { sqs: new SQSClient({ region: "eu-west-1" }), url: DEAD }, maxDeliveries: 3 };
}

const deadLetters = () => sqs.commandCalls(SendMessageBatchCommand).flatMap(({ args }) => args[0].input.Entries ?? []);

describe("createEventBatchHandler", () => {
  it("decides all records in one call, in their order", async () => {
    const { calls, report } = createBench();

    expect(await report(go("s1"), go("s2", { deliveries: 2 }), go("s1"))).toEqual([]);

    expect(calls).toHaveLength(1);
    expect(calls[0]?.map(({ event, deliveries }) => `${event.id} ${event.stackId} ${deliveries}`)).toEqual([
      "m-1 s1 1",
      "m-2 s2 2",
      "m-3 s1 1",
    ]);
  });

  it.each([
    ["with its key", "key", "worker"],
    ["with another one", "another key", "external"],
    ["without a key", undefined, "external"],
  ])("distinguishes a runner's result from a sender's event by its proof, %s", async (_, resultKey, origin) => {
    const message = { event: "TASK_COMPLETED", stackId: "s1", dispatchId: "s1/e1/1/db/1" };
    const result = anEvent({ id: "result:s1/e1/1/db/1", origin: "worker", message });
    const { body, attributes } = encodeEvent(result, "key");
    const { calls, report } = createBench({}, resultKey === undefined ? {} : { resultKey });

    await report({ body, attributes });

    expect(calls[0]?.[0]?.event).toEqual({ ...result, origin });
  });

  it("reports what could not be processed, and what is behind it on its stack", async () => {
    const { report } = createBench({ s1: FAILED });

    expect(await report(go("s2"), go("s1"), go("s2"))).toEqual(["m-2"]);
  });

  it("hands a malformed record over as an event of no stack, and lets it touch no other", async () => {
    const { calls, report } = createBench();

    expect(await report({ body: "{oops" }, go("s1"))).toEqual([]);

    expect(calls[0]?.map(({ event }) => event.stackId)).toEqual(["", "s1"]);
  });

  it("reports malformed and refused records when the engine is configured to have them redelivered", async () => {
    const { report } = createBench({ "": REFUSED, s1: REFUSED });

    expect(await report({ body: "{oops" }, go("s1"), go("s2"))).toEqual(["m-1", "m-2"]);
  });

  it("reports all records when the handler throws", async () => {
    const logger = createRecordingLogger();
    const handler = createEventBatchHandler(() => Promise.reject(new Error("No.")), { logger });

    const { batchItemFailures } = await handler(anSqsEvent([go("s1"), go("s2")]));

    expect(batchItemFailures).toEqual([{ itemIdentifier: "m-1" }, { itemIdentifier: "m-2" }]);
    expect(logger.lines).toEqual(["error Events could not be handled; they are delivered again."]);
  });

  it("keeps what is behind a body that could not be fetched, in its group", async () => {
    s3.rejects(Object.assign(new Error("Please reduce your request rate."), { name: "SlowDown" }));
    const claimChecks = { s3: new S3Client({ region: "eu-west-1" }), bucket: "bodies" };
    const { calls, report } = createBench({}, { claimChecks });
    const pointer = [
      "software.amazon.payloadoffloading.PayloadS3Pointer",
      { s3BucketName: "bodies", s3Key: "stackyard/messages/a" },
    ];

    const reported = await report({ body: pointer, group: "s1" }, go("s2", { group: "s2" }), go("s1", { group: "s1" }));

    expect(reported).toEqual(["m-1", "m-3"]);
    expect(calls[0]?.map(({ event }) => event.stackId)).toEqual(["s2"]);
  });

  it("decides large batches in parts, and nothing of a stack behind a part that failed", async () => {
    const { calls, report } = createBench({ s1: FAILED });
    const others = Array.from({ length: 150 }, (_, index) => go(`other-${index}`));

    const reported = await report(go("s1"), ...others, go("s1"));

    expect(calls.map((deliveries) => deliveries.length)).toEqual([100, 51]);
    expect(reported).toEqual(["m-1", "m-152"]);
  });

  it("fetches bodies a hundred at a time, since each may be large", async () => {
    s3.on(GetObjectCommand).rejects(Object.assign(new Error("Gone."), { name: "NoSuchKey" }));
    const fetched: number[] = [];
    const claimChecks = { s3: new S3Client({ region: "eu-west-1" }), bucket: "bodies" };
    const handler = createEventBatchHandler(
      async (deliveries) => {
        fetched.push(s3.commandCalls(GetObjectCommand).length);
        return deliveries.map(() => DONE);
      },
      { claimChecks },
    );
    const s3Key = "stackyard/messages/a";
    const body = ["software.amazon.payloadoffloading.PayloadS3Pointer", { s3BucketName: "bodies", s3Key }];

    await handler(anSqsEvent(Array.from({ length: 150 }, () => ({ body }))));

    expect(fetched).toEqual([100, 150]);
  });

  it("takes the groups of standard queues for no order", async () => {
    const handler = createEventBatchHandler(async (deliveries) =>
      deliveries.map(({ event }) => (event.stackId === "s1" ? FAILED : DONE)),
    );

    const { batchItemFailures } = await handler(anSqsEvent([go("s1", { group: "fair" }), go("s2", { group: "fair" })]));

    expect(batchItemFailures).toEqual([{ itemIdentifier: "m-1" }]);
  });

  it("gives up after the last delivery, with the reason, and reports it no more", async () => {
    const { report } = createBench({ s1: FAILED, s2: REFUSED }, withDeadLetters());

    const reported = await report(
      go("s1", { deliveries: 3 }),
      go("s2", { deliveries: 3 }),
      go("s1", { deliveries: 2 }),
    );

    expect(reported).toEqual(["m-3"]);
    expect(deadLetters().map(({ MessageBody }) => MessageBody)).toEqual([
      '{"stackId":"s1","event":"GO"}',
      '{"stackId":"s2","event":"GO"}',
    ]);
    const notes = deadLetters().map(({ MessageAttributes }) => {
      return JSON.parse(MessageAttributes?.["stackyard-dead-letter"]?.StringValue ?? "{}");
    });
    expect(notes).toMatchObject([
      { code: "DELIVERY_FAILED", reason: "The store does not answer.", deliveries: 3, messageId: "m-1" },
      { code: "EVENT_REFUSED", reason: "The event is refused.", deliveries: 3, messageId: "m-2" },
    ]);
  });

  it.each([[""], [".fifo"]])("lets what failed come again soon, those of a stack together (*%s)", async (suffix) => {
    sqs.on(ChangeMessageVisibilityBatchCommand).resolves({});
    const client = new SQSClient({ region: "eu-west-1" });
    const urls = [`https://sqs.eu-west-1.amazonaws.com/111122223333/stack-events${suffix}`];
    const { report } = createBench({ s1: FAILED, s2: REFUSED }, { queues: { sqs: client, urls } });
    const of = (stackId: string, deliveries: number) => {
      return go(stackId, { deliveries, ...(suffix === "" ? {} : { group: stackId }) });
    };

    const reported = await report(of("s1", 2), of("s2", 1), of("s3", 1), of("s1", 1));

    expect(reported).toEqual(["m-1", "m-2", "m-4"]);
    expect(sqs.commandCalls(ChangeMessageVisibilityBatchCommand).map(({ args }) => args[0].input)).toEqual([
      {
        QueueUrl: urls[0],
        Entries: [
          { Id: "0", ReceiptHandle: "r-1", VisibilityTimeout: 15 },
          { Id: "1", ReceiptHandle: "r-4", VisibilityTimeout: 15 },
        ],
      },
    ]);
  });

  it("changes nothing at a queue whose address it does not know", async () => {
    const client = new SQSClient({ region: "eu-west-1" });
    const { report } = createBench({ s1: FAILED }, { queues: { sqs: client, urls: [DEAD] } });

    expect(await report(go("s1"))).toEqual(["m-1"]);
    expect(sqs.calls()).toEqual([]);
  });

  it("reports what could not be given up", async () => {
    const options = withDeadLetters();
    sqs.on(SendMessageBatchCommand).rejects(Object.assign(new Error("No."), { name: "AccessDenied" }));
    const { report } = createBench({ s1: FAILED }, options);

    expect(await report(go("s1", { deliveries: 3 }))).toEqual(["m-1"]);
  });

  it("works under the trace context of each record", async () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const seen: unknown[] = [];
    const tracing: BatchOptions["tracing"] = {
      inject: () => ({}),
      run(carriers, work) {
        seen.push(carriers);
        return work();
      },
    };
    const { report } = createBench({}, { tracing });

    await report(go("s1", { attributes: { traceparent } }), go("s2"));

    expect(seen).toEqual([[{ traceparent }, {}]]);
  });

  it("refuses to be called with anything else", async () => {
    await expect(createBench().handler({})).rejects.toMatchObject({ code: "EVENT_INVALID" });
  });
});

describe("createTaskBatchHandler", () => {
  const sqs = mockClient(SQSClient);

  afterAll(() => sqs.restore());

  beforeEach(() => sqs.reset());

  const QUEUES = "https://sqs.eu-west-1.amazonaws.com/111122223333/";

  const queues = () => ({ sqs: new SQSClient({ region: "eu-west-1" }), urls: [`${QUEUES}stack-tasks`] });

  const bodyOf = (name: string) => ({
    task: { executor: "lambda", config: { name }, name },
    stack: { id: "pr-12", previousState: "INIT", machine: "m", _state: "BUILD", tasks: [], metadata: {} },
  });

  function createBench(
    outcomeOf: (delivery: TaskDelivery, invocation: Invocation) => Promise<DeliveryOutcome>,
    options: BatchOptions = {},
  ) {
    const logger = createRecordingLogger();
    const handler = createTaskBatchHandler(outcomeOf, { logger, ...options });
    const report = async (bodies: readonly unknown[], invocation?: Invocation) => {
      const event = anSqsEvent(
        bodies.map((body) => ({ body })),
        "stack-tasks",
      );
      const { batchItemFailures } = await handler(event, invocation);
      return batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
    };
    return { logger, report };
  }

  it("works on all records concurrently, and passes each the time when the function ends", async () => {
    const seen: unknown[] = [];
    const waiting: (() => void)[] = [];
    const { report } = createBench(async ({ attemptId, message }, { endsAt }) => {
      seen.push([attemptId, message.task.name, endsAt]);
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        if (waiting.length === 2) for (const go of waiting) go();
      });
      return { kind: "done" };
    });

    expect(await report([bodyOf("db"), bodyOf("web")], { endsAt: 9 })).toEqual([]);

    expect(seen).toEqual([
      ["message:m-1", "db", 9],
      ["message:m-2", "web", 9],
    ]);
  });

  it("reports those that must come again, also when their work throws", async () => {
    const { logger, report } = createBench(async ({ message }) => {
      if (message.task.name === "broken") throw new Error("No.");
      return message.task.name === "later" ? { kind: "retry", reason: "The worker stops." } : { kind: "done" };
    });

    expect(await report([bodyOf("db"), bodyOf("later"), bodyOf("broken")])).toEqual(["m-2", "m-3"]);
    expect(logger.lines).toEqual(["error A task could not be processed; its message is delivered again."]);
  });

  it("lets what failed come again after its own time, not after the queue's visibility timeout", async () => {
    sqs.on(ChangeMessageVisibilityBatchCommand).resolves({});
    const { report } = createBench(
      async ({ message }) => {
        if (message.task.name === "broken") throw new Error("No.");
        return { kind: "retry", reason: "The store does not answer." };
      },
      { queues: queues() },
    );

    expect(await report(["{oops", bodyOf("db"), bodyOf("broken")])).toEqual(["m-1", "m-2", "m-3"]);

    expect(sqs.commandCalls(ChangeMessageVisibilityBatchCommand).map(({ args }) => args[0].input)).toEqual([
      {
        QueueUrl: `${QUEUES}stack-tasks`,
        Entries: [
          { Id: "0", ReceiptHandle: "r-2", VisibilityTimeout: 2 },
          { Id: "1", ReceiptHandle: "r-3", VisibilityTimeout: 2 },
        ],
      },
    ]);
  });

  it("leaves what failed to the visibility timeout where it is not allowed to change it", async () => {
    const denied = Object.assign(new Error("Not authorized."), { name: "AccessDenied" });
    sqs.on(ChangeMessageVisibilityBatchCommand).rejects(denied);
    const { logger, report } = createBench(async () => ({ kind: "retry", reason: "No." }), { queues: queues() });

    expect(await report([bodyOf("db")])).toEqual(["m-1"]);
    expect(logger.lines).toEqual([expect.stringContaining("Allow sqs:ChangeMessageVisibility on the queue.")]);
  });

  it("leaves a message that is not a task to the queue's redrive policy", async () => {
    const { logger, report } = createBench(async () => ({ kind: "done" }));

    expect(await report(["{oops", bodyOf("db")])).toEqual(["m-1"]);
    expect(logger.lines).toEqual(["error A message is not a task."]);
  });

  it("gives up a message that is not a task at once where it has a dead-letter queue", async () => {
    sqs.on(SendMessageBatchCommand).resolves({});
    const deadLetters = { sqs: new SQSClient({ region: "eu-west-1" }), url: `${QUEUES}task-dead-letters` };
    const { report } = createBench(async () => ({ kind: "done" }), { deadLetters });

    expect(await report(['{"stackId":"s","event":"GO"}'])).toEqual([]);

    const [entry] = sqs.commandCalls(SendMessageBatchCommand)[0]?.args[0].input.Entries ?? [];
    expect(JSON.parse(entry?.MessageAttributes?.["stackyard-dead-letter"]?.StringValue ?? "{}")).toMatchObject({
      code: "MESSAGE_INVALID",
      reason: expect.stringContaining("The message is not a task"),
      source: "arn:aws:sqs:eu-west-1:111122223333:stack-tasks",
    });
  });
});

describe("toBatchResponse", () => {
  const DONE: BatchItem["outcome"] = { kind: "done" };

  const FAILED: BatchItem["outcome"] = { kind: "retry", reason: "The store does not answer." };

  const REFUSED: BatchItem["outcome"] = { kind: "retry", reason: "The event is refused.", refused: true };

  /** Ids of what is reported, of items written as `id@lane`. */
  function reportedOf(...items: readonly (readonly [string, BatchItem["outcome"]])[]): readonly string[] {
    const response = toBatchResponse(
      items.map(([name, outcome]) => {
        const [messageId = "", lane = ""] = name.split("@");
        return { messageId, lane, outcome };
      }),
    );
    return response.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
  }

  it("reports nothing when all is done", () => {
    expect(toBatchResponse([{ messageId: "a", lane: "s1", outcome: DONE }])).toEqual({ batchItemFailures: [] });
  });

  it("reports what failed and what is behind it on the same stack, in the order of the records", () => {
    const reported = reportedOf(["a@s1", DONE], ["b@s1", FAILED], ["c@s2", DONE], ["d@s1", DONE], ["e@s2", FAILED]);

    expect(reported).toEqual(["b", "d", "e"]);
  });

  it("reports a refused event alone, as the predecessor did", () => {
    expect(reportedOf(["a@s1", REFUSED], ["b@s1", DONE])).toEqual(["a"]);
  });

  it("does not make messages without a stack wait", () => {
    expect(reportedOf(["a@", FAILED], ["b@", DONE])).toEqual(["a"]);
  });
});

describe("the sender of a record", () => {
  it("is the one of the SenderId that SQS reports", async () => {
    const ada = { kind: "aws", id: "AIDAIENQZJOLO23YVJ4VO", name: "ada", groups: ["ops"] } as const;
    const known = createBench({}, { findSender: (id) => (id === ada.id ? ada : undefined) });
    const unknown = createBench();

    await known.report(go("s1"));
    await unknown.report(go("s1"));

    expect(known.calls[0]?.[0]?.event).toMatchObject({ stackId: "s1", sender: ada, actor: "ada" });
    expect(unknown.calls[0]?.[0]?.event).not.toHaveProperty("sender");
  });
});

describe("parseSqsBatch", () => {
  it("reads the records that Lambda gives", () => {
    const event = anSqsEvent([{ body: "{}", deliveries: 3, group: "s1", attributes: { traceparent: "00" } }], "q.fifo");

    expect(parseSqsBatch(event)).toEqual({
      queueArn: "arn:aws:sqs:eu-west-1:111122223333:q.fifo",
      messages: [
        {
          messageId: "m-1",
          receiptHandle: "r-1",
          body: "{}",
          attributes: { traceparent: "00" },
          deliveries: 3,
          sentAt: 1_767_225_600_000,
          groupId: "s1",
          senderId: "AIDAIENQZJOLO23YVJ4VO",
        },
      ],
    });
  });

  it("reads a batch that names no queue, as people write them to try a function", () => {
    const Records = [{ messageId: "m-1", body: "{}" }];

    expect(parseSqsBatch({ Records })).toMatchObject({ queueArn: "", messages: [{ messageId: "m-1", deliveries: 1 }] });
  });

  it("gives a message without an id one of its own, and the same when the batch is read again", () => {
    const event = { Records: [{ body: "{}" }, { body: "{}" }] };
    const idsOf = (given: unknown) => parseSqsBatch(given).messages.map(({ messageId }) => messageId);

    const ids = idsOf(event);

    expect(ids).toEqual([expect.stringMatching(/./), expect.stringMatching(/./)]);
    expect(new Set([...ids, ...idsOf(structuredClone(event))]).size).toBe(4);
    expect(idsOf(event)).toEqual(ids);
  });

  it.each([
    [undefined],
    [null],
    ["x"],
    [{}],
    [{ Records: [] }],
    [{ Records: [{ Sns: {} }] }],
    [{ stackId: "s", event: "GO" }],
  ])("refuses to be called with %j, and says how it is called", (event) => {
    expect(() => parseSqsBatch(event)).toThrow(
      expect.objectContaining({ code: "EVENT_INVALID", message: expect.stringContaining("event source mapping") }),
    );
  });
});
