import { SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import { createFakeClock } from "@stackyard/core/testing";
import { mockClient } from "aws-sdk-client-mock";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { createDeadLetters } from "./dead-letters.ts";
import type { IncomingMessage } from "./incoming-message.ts";
import { anIncoming } from "./testing/builders.ts";
import { createRecordingLogger } from "./testing/recording-logger.ts";

const sqs = mockClient(SQSClient);

afterAll(() => sqs.restore());
beforeEach(() => {
  sqs.reset();
  sqs.on(SendMessageBatchCommand).resolves({});
});

async function giveUp(incoming: IncomingMessage) {
  const logger = createRecordingLogger();
  const queueUrl = "https://sqs.eu-west-1.amazonaws.com/111122223333/dead";
  const client = new SQSClient({ region: "eu-west-1" });
  const deps = { clock: createFakeClock(), random: () => 0, logger };
  const letters = createDeadLetters({ sqs: client, queueUrl, source: "stack-tasks", ...deps });
  const isSent = await letters.giveUp(incoming, { code: "MESSAGE_INVALID", reason: "It is no task." });
  const [entry] = sqs.commandCalls(SendMessageBatchCommand)[0]?.args[0].input.Entries ?? [];
  return { isSent, logger, names: Object.keys(entry?.MessageAttributes ?? {}) };
}

const attributesOf = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`a${index}`, "1"]));

describe("giving up a message", () => {
  it("notes the reason beside the sender's attributes", async () => {
    const { isSent, names } = await giveUp(anIncoming("{}", { attributes: attributesOf(9) }));

    expect([isSent, names]).toEqual([true, [...Object.keys(attributesOf(9)), "stackyard-dead-letter"]]);
  });

  it.each([
    ["has ten attributes, the most that a queue takes", anIncoming("{}", { attributes: attributesOf(10) })],
    ["is as large as a queue takes", anIncoming("x".repeat(1_048_500), { attributes: { a: "1" } })],
  ])("sends one that %s as it came; the log has the reason", async (_, incoming) => {
    const { isSent, logger, names } = await giveUp(incoming);

    expect([isSent, names]).toEqual([true, Object.keys(incoming.attributes)]);
    expect(logger.lines).toEqual(["warn A message was given up."]);
  });

  it("puts its reason in the place of an earlier one", async () => {
    const attributes = { ...attributesOf(9), "stackyard-dead-letter": "{}" };

    const { names } = await giveUp(anIncoming("{}", { attributes }));

    expect(names).toContain("stackyard-dead-letter");
  });
});
