import { SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import { mockClient } from "aws-sdk-client-mock";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { createQueuePublisher } from "./create-queue-publisher.ts";
import type { SenderOptions } from "./sender-options.ts";

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

  it("tells of an invalid event, and sends the others", async () => {
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

  it("tells of an event that the queue refuses, and does not send it again", async () => {
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

  it("stops when it is asked to", async () => {
    const stopping = new AbortController();
    sqs.on(SendMessageBatchCommand).callsFake(() => {
      stopping.abort();
      throw Object.assign(new Error("Request aborted"), { name: "AbortError" });
    });

    await expect(create().publish(GO, { signal: stopping.signal })).rejects.toMatchObject({ code: "INTERRUPTED" });
  });
});
