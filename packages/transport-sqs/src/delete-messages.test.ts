import { DeleteMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import { mockClient } from "aws-sdk-client-mock";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { deleteMessages } from "./delete-messages.ts";

const sqs = mockClient(SQSClient);

afterAll(() => sqs.restore());
beforeEach(() => sqs.reset());

const inRegion = (region: string) => new SQSClient({ region });

describe("deleteMessages", () => {
  it.each([
    [
      "arn:aws:sqs:eu-west-1:111122223333:stack-events",
      "https://sqs.eu-west-1.amazonaws.com/111122223333/stack-events",
    ],
    ["arn:aws-cn:sqs:cn-north-1:111122223333:q.fifo", "https://sqs.cn-north-1.amazonaws.com.cn/111122223333/q.fifo"],
  ])("deletes from the queue %s", async (arn, QueueUrl) => {
    sqs.on(DeleteMessageBatchCommand).resolves({});

    expect(await deleteMessages(inRegion(arn.split(":")[3] ?? ""), arn, ["r1", "r2"])).toEqual([]);

    const Entries = ["r1", "r2"].map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle }));
    expect(sqs.commandCalls(DeleteMessageBatchCommand).map(({ args }) => args[0].input)).toEqual([
      { QueueUrl, Entries },
    ]);
  });

  it("says what was not deleted", async () => {
    const Failed = [{ Id: "1", Code: "ReceiptHandleIsInvalid", Message: "It has expired.", SenderFault: true }];
    sqs.on(DeleteMessageBatchCommand).resolves({ Failed });

    const failed = await deleteMessages(inRegion("eu-west-1"), "arn:aws:sqs:eu-west-1:1:q", ["r1", "r2"]);

    expect(failed).toMatchObject([{ receiptHandle: "r2", reason: "It has expired." }]);
  });

  it("throws where the role may not", async () => {
    sqs.on(DeleteMessageBatchCommand).rejects(Object.assign(new Error("No."), { name: "AccessDenied" }));

    const answer = deleteMessages(inRegion("eu-west-1"), "arn:aws:sqs:eu-west-1:1:q", ["r1"]);

    await expect(answer).rejects.toMatchObject({ code: "FORBIDDEN" });
  });

  it.each(["", "stack-events", "arn:aws:kinesis:eu-west-1:1:stream/s", "arn:aws:sqs:eu-west-1:"])(
    "will not guess the queue of %j",
    async (arn) => {
      await expect(deleteMessages(inRegion("eu-west-1"), arn, ["r1"])).rejects.toMatchObject({ code: "EVENT_INVALID" });
    },
  );
});
