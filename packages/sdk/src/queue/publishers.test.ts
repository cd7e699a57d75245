import { SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import { parseEventMessage } from "@stackyard/core/machine";
import { mockClient } from "aws-sdk-client-mock";
import fc from "fast-check";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import type { NewEvent } from "../publisher.ts";
import { createQueuePublisher, findEventFault, type SenderOptions, toEventEntry } from "./publishers.ts";

const QUEUE = "https://sqs.eu-west-1.amazonaws.com/111122223333/stack-events";
const GO = { stackId: "s1", event: "GO", id: "e1" };

const sqs = mockClient(SQSClient);

afterAll(() => sqs.restore());
beforeEach(() => sqs.reset());

const create = (options: SenderOptions = {}, queueUrl = QUEUE) =>
  createQueuePublisher({ sqs: new SQSClient({ region: "eu-west-1" }), queueUrl, ...options });
const entries = () => sqs.commandCalls(SendMessageBatchCommand).map(({ args }) => args[0].input.Entries ?? []);

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_BatchResultErrorEntry.html
const failing = (Id: string) => ({
  Id,
  SenderFault: false,
  Code: "ServiceUnavailable",
  Message: "Service is unavailable.",
});

describe("createQueuePublisher", () => {
  it("publishes as over HTTP: the id that was sent and the stack", async () => {
    sqs.on(SendMessageBatchCommand).resolves({});

    expect(await create().publish(GO)).toEqual({ eventId: "e1", stackId: "s1" });

    expect(entries()).toEqual([[{ Id: "0", MessageBody: JSON.stringify(GO) }]]);
  });

  it("sends the same id again with what was not taken", async () => {
    sqs
      .on(SendMessageBatchCommand)
      .resolvesOnce({ Successful: [], Failed: [failing("1")] })
      .resolves({});
    const events = ["a", "b", "c"].map((stackId) => ({ stackId, event: "GO" }));

    const results = await create().publishMany(events);

    const [first = [], second = []] = entries();
    expect(first).toHaveLength(3);
    expect(second).toEqual([first[1]]);
    expect(results.map(({ kind }) => kind)).toEqual(["accepted", "accepted", "accepted"]);
  });

  it("throws what passes by itself when it does not pass", async () => {
    sqs.on(SendMessageBatchCommand).resolves({ Successful: [], Failed: [failing("0")] });

    await expect(create({ retries: 1 }).publish(GO)).rejects.toMatchObject({
      code: "UNREACHABLE",
      retryable: true,
      message: expect.stringContaining("ServiceUnavailable"),
    });
    expect(entries()).toHaveLength(2);
  });

  it("reports an invalid event, and sends the others", async () => {
    sqs.on(SendMessageBatchCommand).resolves({});

    const results = await create().publishMany([GO, { stackId: "s1", event: "NEXT" }, { ...GO, id: "e2" }]);

    expect(results).toEqual([
      { kind: "accepted", eventId: "e1", stackId: "s1" },
      { kind: "invalid", code: "EVENT_RESERVED", reason: expect.stringContaining("NEXT") },
      { kind: "accepted", eventId: "e2", stackId: "s1" },
    ]);
    expect(entries()[0]?.map(({ Id }) => Id)).toEqual(["0", "2"]);
    await expect(create().publish({ stackId: "s1", event: "NEXT" })).rejects.toMatchObject({ code: "EVENT_INVALID" });
  });

  it("reports an event that the queue rejects, and does not send it again", async () => {
    const Message = "One or more parameters are invalid. Reason: Message must be shorter than 2048 bytes.";
    const refusal = { Id: "0", SenderFault: true, Code: "InvalidParameterValue", Message };
    sqs.on(SendMessageBatchCommand).resolves({ Successful: [], Failed: [refusal] });

    const results = await create().publishMany([GO, { ...GO, stackId: "s2" }]);

    expect(results).toEqual([
      { kind: "invalid", code: "PAYLOAD_TOO_LARGE", reason: `InvalidParameterValue: ${Message}` },
      { kind: "accepted", eventId: "e1", stackId: "s2" },
    ]);
    expect(entries()).toHaveLength(1);
  });

  it("sends nothing for nothing", async () => {
    expect(await create().publishMany([])).toEqual([]);
    expect(entries()).toEqual([]);
  });

  it("keeps the order of a stack on a FIFO queue, and names repeats", async () => {
    sqs.on(SendMessageBatchCommand).resolves({});
    const publisher = create({}, `${QUEUE}.fifo`);

    await publisher.publishMany([GO, { ...GO, id: "e2" }]);
    await publisher.publish(GO);

    const [[first] = [], [second] = [], [again] = []] = entries();
    expect(first?.MessageGroupId).toBe("s1");
    expect(second?.MessageDeduplicationId).not.toBe(first?.MessageDeduplicationId);
    expect(again?.MessageDeduplicationId).toBe(first?.MessageDeduplicationId);
  });

  it("has a group for every stack, whatever its name", async () => {
    sqs.on(SendMessageBatchCommand).resolves({});

    await create({}, `${QUEUE}.fifo`).publish({ ...GO, stackId: "größe 1" });

    expect(entries()[0]?.[0]?.MessageGroupId).toMatch(/^[0-9a-f]{64}$/);
  });

  it("sends trace context along", async () => {
    sqs.on(SendMessageBatchCommand).resolves({});
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    await create({ trace: () => ({ traceparent, tracestate: "a=1" }) }).publish(GO);
    await create({ trace: () => undefined }).publish(GO);

    expect(entries()[0]?.[0]?.MessageAttributes).toEqual({
      traceparent: { DataType: "String", StringValue: traceparent },
      tracestate: { DataType: "String", StringValue: "a=1" },
    });
    expect(entries()[1]?.[0]).not.toHaveProperty("MessageAttributes");
  });

  it.each([
    ["AccessDenied", "FORBIDDEN"],
    ["QueueDoesNotExist", "CONFIG_INVALID"],
    ["CredentialsProviderError", "CONFIG_INVALID"],
    ["RequestThrottled", "RATE_LIMITED"],
    ["TimeoutError", "UNREACHABLE"],
  ])("takes %s for %s", async (name, code) => {
    sqs.on(SendMessageBatchCommand).rejects(Object.assign(new Error("No."), { name }));

    await expect(create().publish(GO)).rejects.toMatchObject({ code, message: expect.stringContaining(QUEUE) });
  });

  it("stops when its signal aborts", async () => {
    const stopping = new AbortController();
    sqs.on(SendMessageBatchCommand).callsFake(() => {
      stopping.abort();
      throw Object.assign(new Error("Request aborted"), { name: "AbortError" });
    });

    await expect(create().publish(GO, { signal: stopping.signal })).rejects.toMatchObject({ code: "INTERRUPTED" });
  });
});

const GO_FIND_EVENT_FAULT: NewEvent = { stackId: "s1", event: "GO" };

describe("findEventFault", () => {
  it("finds none in events that are named well", () => {
    expect(findEventFault(GO_FIND_EVENT_FAULT)).toBeUndefined();
    expect(
      findEventFault({ ...GO_FIND_EVENT_FAULT, id: "e1", machine: "größe 🚀", event: "RETRY_FAILED_TASKS" }),
    ).toBeUndefined();
  });

  it.each([
    [{ ...GO_FIND_EVENT_FAULT, stackId: "" }, "stackId"],
    [{ ...GO_FIND_EVENT_FAULT, stackId: "x".repeat(256) }, "stackId"],
    [{ ...GO_FIND_EVENT_FAULT, stackId: "a\u0000" }, "stackId"],
    [{ ...GO_FIND_EVENT_FAULT, stackId: "\ud800" }, "stackId"],
    [{ ...GO_FIND_EVENT_FAULT, event: "" }, "event"],
    [{ ...GO_FIND_EVENT_FAULT, id: "" }, "id"],
    [{ ...GO_FIND_EVENT_FAULT, machine: "a\nb" }, "machine"],
  ])("names the part of %j that is at fault", (event, part) => {
    expect(findEventFault(event)).toMatchObject({
      code: "EVENT_INVALID",
      reason: expect.stringContaining(`"${part}"`),
    });
  });

  it("refuses metadata with a whole number that JSON rounds, as the yard's door does", () => {
    const event: NewEvent = { ...GO_FIND_EVENT_FAULT, id: "e1", metadata: { id: 2 ** 53 } };

    const door = parseEventMessage(event, { at: 0 });

    expect(door).toMatchObject({ kind: "invalid", code: "EVENT_INVALID" });
    expect(findEventFault(event)).toMatchObject(
      door.kind === "invalid" ? { code: door.code, reason: door.reason } : {},
    );
  });

  it("agrees with the yard's door on whatever a program may pass", () => {
    const name = fc.oneof(
      fc.string({ unit: "binary", maxLength: 8 }),
      fc.constantFrom("GO", "NEXT", "TASK_TIMED_OUT", "RETRY_FAILED_TASKS", "x".repeat(255), "x".repeat(256)),
    );
    fc.assert(
      // The yard ignores an empty id and machine; here they are most likely a mistake.
      fc.property(
        name,
        name,
        name.filter((id) => id !== ""),
        (stackId, event, id) => {
          fc.pre(!/\p{Cc}/u.test(event) && event.isWellFormed());
          const door = parseEventMessage({ stackId, event, id }, { at: 0 });
          const fault = findEventFault({ stackId, event, id });
          return door.kind === "invalid" ? fault?.code !== undefined : fault === undefined;
        },
      ),
    );
  });
});

const MAX = 1_000_000;

describe("toEventEntry", () => {
  it("writes the event with its id, as the yard reads it", () => {
    const event = {
      stackId: "pr-12",
      event: "LAUNCH",
      id: "e1",
      machine: "review-app",
      metadata: { n: 1, note: null },
    };

    const entry = toEventEntry(event, MAX);

    expect(entry).toEqual({ kind: "ready", eventId: "e1", stackId: "pr-12", body: JSON.stringify(event), bytes: 100 });
  });

  it("creates a missing id", () => {
    const [first, second] = [1, 2].map(() => toEventEntry({ stackId: "s", event: "GO" }, MAX));

    expect(first).toMatchObject({ eventId: expect.stringMatching(/^[0-9a-f]{32}$/) });
    expect(second).not.toMatchObject({ eventId: first?.kind === "ready" ? first.eventId : "" });
  });

  it.each([
    [{ stackId: "", event: "GO" }, "EVENT_INVALID", "stackId"],
    [{ stackId: "s", event: "" }, "EVENT_INVALID", "event"],
    [{ stackId: "s", event: "NEXT" }, "EVENT_RESERVED", "NEXT"],
    [{ stackId: "s", event: "TASK_TIMED_OUT" }, "EVENT_RESERVED", "TASK_TIMED_OUT"],
  ])("rejects %j as the yard's door does", (event, code, reason) => {
    expect(toEventEntry(event, MAX)).toMatchObject({ kind: "invalid", code, reason: expect.stringContaining(reason) });
  });

  it("rejects what JSON cannot hold", () => {
    const metadata = { size: 1n } as never;

    expect(toEventEntry({ stackId: "s", event: "GO", metadata }, MAX)).toMatchObject({
      kind: "invalid",
      code: "EVENT_INVALID",
    });
  });

  it("rejects what fits into no message", () => {
    const event = { stackId: "s", event: "GO", id: "e", metadata: { text: "ü".repeat(100) } };

    expect(toEventEntry(event, 200)).toMatchObject({
      kind: "invalid",
      code: "PAYLOAD_TOO_LARGE",
      reason: expect.stringContaining("200 fit"),
    });
  });

  it("escapes what queues refuse, and changes nothing by it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 20 }), (text) => {
        const entry = toEventEntry({ stackId: "s", event: "GO", id: "e", metadata: { text } }, MAX);
        if (entry.kind !== "ready") return false;
        return /^[ -\ud7ff\ue000-\ufffd]*$/.test(entry.body) && JSON.parse(entry.body).metadata.text === text;
      }),
    );
  });
});
