import { StackyardError } from "@stackyard/core";
import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import type { OutgoingMessage } from "./outgoing-message.ts";
import { type FailedEntry, sendInWaves } from "./send-in-waves.ts";

function aMessage(body: string): OutgoingMessage {
  return { body, attributes: {}, groupId: body.slice(0, 1), deduplicationId: body };
}

// As SQS tells of entries: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_BatchResultErrorEntry.html
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

describe("sendInWaves", () => {
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
      message: "The queue q did not take 1 messages: ServiceUnavailable, Service is unavailable.",
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
