import { SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import { StackyardError } from "@stackyard/core";
import { createFakeClock } from "@stackyard/core/testing";
import { mockClient } from "aws-sdk-client-mock";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { type ClaimChecks, noClaimChecks } from "./claim-check.ts";
import { byteSizeOf, type OutgoingMessage } from "./messages.ts";
import { createQueueSender, type FailedEntry, sendInWaves } from "./senders.ts";

const QUEUE = "https://sqs.eu-west-1.amazonaws.com/111122223333/stack-tasks";

const sqs = mockClient(SQSClient);

afterAll(() => sqs.restore());
beforeEach(() => sqs.reset());

function createSender(queueUrl: string, claimChecks?: ClaimChecks) {
  const client = new SQSClient({ region: "eu-west-1" });
  return createQueueSender({
    sqs: client,
    queueUrl,
    clock: createFakeClock(),
    random: () => 0,
    claimChecks,
  });
}

function aMessage(overrides: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return { body: "{}", attributes: {}, groupId: "s1", deduplicationId: "d1", ...overrides };
}

const entries = () => sqs.commandCalls(SendMessageBatchCommand).map(({ args }) => args[0].input.Entries);

describe("createQueueSender", () => {
  it("sends to a standard queue with the delay in whole seconds", async () => {
    sqs.on(SendMessageBatchCommand).resolves({});

    await createSender(QUEUE).send([aMessage({ attributes: { a: "1" } })], { delayMs: 1_001 });

    const MessageAttributes = { a: { DataType: "String", StringValue: "1" } };
    expect(entries()).toEqual([[{ Id: "0", MessageBody: "{}", MessageAttributes, DelaySeconds: 2 }]]);
  });

  it("gives a message its own delay, in one call with others", async () => {
    sqs.on(SendMessageBatchCommand).resolves({});

    await createSender(QUEUE).send([aMessage({ delayMs: 59_001 }), aMessage(), aMessage({ delayMs: 0 })], {
      delayMs: 5_000,
    });

    expect(entries().map((batch) => batch?.map(({ DelaySeconds }) => DelaySeconds))).toEqual([[60, 5, 0]]);
  });

  it("refuses a delay of one message that a queue does not have, before it sends any", async () => {
    const sent = createSender(`${QUEUE}.fifo`).send([aMessage(), aMessage({ delayMs: 1_000 })]);

    await expect(sent).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    expect(entries()).toEqual([]);
  });

  it("sends an explicit delay of zero, since the queue may have a default delay", async () => {
    sqs.on(SendMessageBatchCommand).resolves({});

    await createSender(QUEUE).send([aMessage()]);

    expect(entries()).toEqual([[{ Id: "0", MessageBody: "{}", DelaySeconds: 0 }]]);
  });

  it("names group and repeat on a FIFO queue", async () => {
    sqs.on(SendMessageBatchCommand).resolves({});

    await createSender(`${QUEUE}.fifo`).send([aMessage()]);

    expect(entries()).toEqual([[{ Id: "0", MessageBody: "{}", MessageGroupId: "s1", MessageDeduplicationId: "d1" }]]);
  });

  it.each([
    [QUEUE, 900_001, "at most 900000 ms"],
    [QUEUE, -1, "at most"],
    [`${QUEUE}.fifo`, 1, "FIFO queues do not delay single messages"],
  ])("refuses delays that %s does not have: %d ms", async (queueUrl, delayMs, reason) => {
    const sending = createSender(queueUrl).send([aMessage()], { delayMs });

    await expect(sending).rejects.toMatchObject({ code: "CONFIG_INVALID", message: expect.stringContaining(reason) });
    expect(entries()).toEqual([]);
  });

  it("refuses a message that is too large before it sends any", async () => {
    const sending = createSender(QUEUE).send([aMessage(), aMessage({ body: "x".repeat(1_048_577) })]);

    await expect(sending).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
    expect(entries()).toEqual([]);
  });

  describe("to a queue that takes less than SQS does", () => {
    const LIMIT = 262_144;
    const check = async (message: OutgoingMessage) => ({ ...message, body: `pointer to ${message.body.length}` });
    const claimChecks = { check, redeem: noClaimChecks.redeem };

    /** Refuses the entries that are too large for it, and takes the others. */
    function limitQueue() {
      sqs.on(SendMessageBatchCommand).callsFake(({ Entries = [] }) => {
        const long = Entries.filter(({ MessageBody }: { MessageBody: string }) => MessageBody.length > LIMIT);
        // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_BatchResultErrorEntry.html
        const Message = `One or more parameters are invalid. Reason: Message must be shorter than ${LIMIT} bytes.`;
        const fault = { SenderFault: true, Code: "InvalidParameterValue", Message };
        return { Failed: long.map(({ Id }: { Id: string }) => ({ Id, ...fault })) };
      });
    }

    it("leaves the body of what it refuses in the bucket, and sends the others once", async () => {
      limitQueue();
      const large = aMessage({ body: "x".repeat(300_000) });

      await createSender(QUEUE, claimChecks).send([aMessage({ body: "a" }), large, aMessage({ body: "b" })]);

      const bodies = entries().map((batch) => batch?.map(({ MessageBody = "" }) => MessageBody.slice(0, 20)));
      expect(bodies).toEqual([["a", "x".repeat(20), "b"], ["pointer to 300000"]]);
    });

    it("gives a hint when no bucket is configured", async () => {
      limitQueue();

      await expect(createSender(QUEUE).send([aMessage({ body: "x".repeat(300_000) })])).rejects.toMatchObject({
        code: "PAYLOAD_TOO_LARGE",
        message: expect.stringContaining("Raise its MaximumMessageSize, or name a bucket for large bodies"),
      });
    });

    it("refuses what the queue does not even take as a pointer", async () => {
      limitQueue();
      const useless = { ...claimChecks, check: async (message: OutgoingMessage) => message };

      const sending = createSender(QUEUE, useless).send([aMessage({ body: "x".repeat(300_000) })]);

      await expect(sending).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
      expect(entries()).toHaveLength(2);
    });
  });

  it("says what to do when the call is not allowed", async () => {
    const error = Object.assign(new Error("User is not authorized to perform: sqs:sendmessage"), {
      name: "AccessDenied",
    });
    sqs.on(SendMessageBatchCommand).rejects(error);

    await expect(createSender(QUEUE).send([aMessage()])).rejects.toMatchObject({
      code: "FORBIDDEN",
      message: expect.stringContaining(`Sending to the queue ${QUEUE} failed with AccessDenied`),
    });
  });
});

describe("sendInWaves", () => {
  function aMessage(body: string): OutgoingMessage {
    return { body, attributes: {}, groupId: body.slice(0, 1), deduplicationId: body };
  }

  // As SQS reports failed entries: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_BatchResultErrorEntry.html
  const throttled = (Id: string): FailedEntry => ({
    Id,
    SenderFault: false,
    Code: "ServiceUnavailable",
    Message: "Service is unavailable.",
  });

  function createBench(...answers: readonly (readonly FailedEntry[])[]) {
    const clock = createFakeClock();
    const sent: (readonly string[])[] = [];
    const left = [...answers];
    const send = (bodies: readonly string[], ordered = false) =>
      sendInWaves(
        {
          target: "queue q",
          maxBytes: 1_000,
          ordered,
          clock,
          random: () => 0,
          async sendBatch(entries) {
            sent.push(entries.map(({ id, message }) => `${id}=${message.body}`));
            return left.shift() ?? [];
          },
        },
        bodies.map(aMessage),
      );
    return { clock, sent, send };
  }

  it("sends nothing for nothing", async () => {
    const { sent, send } = createBench();

    await send([]);

    expect(sent).toEqual([]);
  });

  it("sends again what a batch left out, and that only", async () => {
    const { clock, sent, send } = createBench([throttled("1")], [throttled("1")]);

    const sending = send(["a", "b", "c"]);
    await clock.advance(1_000);
    await sending;

    expect(sent).toEqual([["0=a", "1=b", "2=c"], ["1=b"], ["1=b"]]);
  });

  it("keeps the order of a group over what is sent again", async () => {
    const { clock, sent, send } = createBench([throttled("0")]);

    const sending = send(["a1", "b1", "a2"], true);
    await clock.advance(1_000);
    await sending;

    expect(sent).toEqual([["0=a1", "1=b1"], ["0=a1"], ["0=a2"]]);
  });

  it("throws what passes by itself after five tries", async () => {
    const { clock, sent, send } = createBench(...[1, 2, 3, 4, 5].map(() => [throttled("0")]));

    const sending = expect(send(["a"])).rejects.toMatchObject({
      code: "UNREACHABLE",
      retryable: true,
      message: "The queue q did not accept 1 messages: ServiceUnavailable, Service is unavailable.",
    });
    await clock.advance(60_000);
    await sending;

    expect(sent).toHaveLength(5);
  });

  it("does not try again what the medium refuses, and says what to do about the size", async () => {
    const Message = "One or more parameters are invalid. Reason: Message must be shorter than 262144 bytes.";
    const { sent, send } = createBench([{ Id: "0", SenderFault: true, Code: "InvalidParameterValue", Message }]);

    await expect(send(["a", "b"])).rejects.toMatchObject({
      code: "PAYLOAD_TOO_LARGE",
      message: expect.stringContaining("a message of 1 bytes"),
    });
    expect(sent).toHaveLength(1);
  });

  it("calls any other refusal a matter of configuration", async () => {
    const { send } = createBench([{ Id: "0", SenderFault: true, Code: "InvalidMessageContents" }]);

    await expect(send(["a"])).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      details: { refused: "message" },
      message: expect.stringContaining("InvalidMessageContents."),
    });
  });

  it("lets the error of a whole batch through", async () => {
    const error = new StackyardError("FORBIDDEN", "No.");
    const input = { target: "queue q", maxBytes: 9, ordered: false, clock: createFakeClock(), random: () => 0 };

    await expect(sendInWaves({ ...input, sendBatch: () => Promise.reject(error) }, [aMessage("a")])).rejects.toBe(
      error,
    );
  });
});

describe("byteSizeOf", () => {
  it("counts bytes of the body, and names, types and values of attributes", () => {
    const message = { body: "ü", attributes: { ab: "漢" } };

    expect(byteSizeOf(message)).toBe(2 + 2 + "String".length + 3);
  });
});
