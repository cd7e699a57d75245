import { expect, it } from "vitest";
import { toSqsEvent } from "./to-sqs-event.ts";

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
