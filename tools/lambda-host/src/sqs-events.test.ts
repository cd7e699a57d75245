import { describe, expect, it } from "vitest";
import { toBatchAnswer, toSqsEvent } from "./sqs-events.ts";

it("gives messages the form of Lambda's records", () => {
  const MessageAttributes = {
    stackyard: { DataType: "String", StringValue: "{}" },
    raw: { DataType: "Binary", BinaryValue: Buffer.from("hi") },
  };
  const message = { MessageId: "m-1", ReceiptHandle: "r-1", Body: "{}", MD5OfBody: "99914b93", MessageAttributes };

  expect(
    toSqsEvent([{ ...message, Attributes: { ApproximateReceiveCount: "2" } }], "arn:aws:sqs:eu-west-1:1:q"),
  ).toEqual({
    Records: [
      {
        messageId: "m-1",
        receiptHandle: "r-1",
        body: "{}",
        md5OfBody: "99914b93",
        attributes: { ApproximateReceiveCount: "2" },
        messageAttributes: {
          stackyard: { dataType: "String", stringValue: "{}", stringListValues: [], binaryListValues: [] },
          raw: { dataType: "Binary", binaryValue: "aGk=", stringListValues: [], binaryListValues: [] },
        },
        eventSource: "aws:sqs",
        eventSourceARN: "arn:aws:sqs:eu-west-1:1:q",
        awsRegion: "eu-west-1",
      },
    ],
  });
});

const ids = ["m-1", "m-2"];

describe("an answer to a batch", () => {
  it.each([
    [undefined, null, {}, { batchItemFailures: [] }, { batchItemFailures: null }, "done"].map((answer) => [answer]),
  ])("is a success of all where nothing is named: %j", ([answer]) => {
    expect(toBatchAnswer(answer, ids, true)).toEqual({ kind: "partly", failed: new Set() });
  });

  it("keeps what it names", () => {
    const answer = { batchItemFailures: [{ itemIdentifier: "m-2" }] };
    expect(toBatchAnswer(answer, ids, true)).toEqual({ kind: "partly", failed: new Set(["m-2"]) });
  });

  it.each([
    [{ batchItemFailures: [{ itemIdentifier: "m-1" }, { itemIdentifier: "" }] }, '"" is not a message'],
    [{ batchItemFailures: [{ itemIdentifier: null }] }, "null is not a message"],
    [{ batchItemFailures: [{ itemIdentifier: "m-9" }] }, '"m-9" is not a message'],
    [{ batchItemFailures: [{ messageId: "m-1" }] }, "undefined is not a message"],
    [{ batchItemFailures: "m-1" }, "not a list"],
  ])("fails all where it is malformed: %j", (answer, why) => {
    expect(toBatchAnswer(answer, ids, true)).toEqual({ kind: "all-failed", why: expect.stringContaining(why) });
  });

  it("is not read where failures are not reported one by one", () => {
    const answer = { batchItemFailures: [{ itemIdentifier: "m-2" }] };
    expect(toBatchAnswer(answer, ids, false)).toEqual({ kind: "partly", failed: new Set() });
  });
});
