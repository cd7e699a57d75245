import { describe, expect, it } from "vitest";
import { toQueueFacts } from "./load-queue.ts";

const url = "https://sqs.eu-west-1.amazonaws.com/111122223333/stack-events.fifo";
const arn = "arn:aws:sqs:eu-west-1:111122223333:stack-events.fifo";

describe("a queue's attributes", () => {
  it("are read with policy and redrive", () => {
    const Condition = { ArnEquals: { "AWS:SourceArn": "arn:one" }, ArnLike: { "aws:SourceArn": ["arn:two"] } };
    const attributes = {
      QueueArn: arn,
      VisibilityTimeout: "180",
      MessageRetentionPeriod: "86400",
      ApproximateNumberOfMessages: "7",
      RedrivePolicy: '{"deadLetterTargetArn":"arn:dead","maxReceiveCount":"5"}',
      Policy: JSON.stringify({
        Statement: [
          { Effect: "Allow", Principal: { Service: "sns.amazonaws.com" }, Action: "sqs:SendMessage", Condition },
          { Effect: "Deny", Principal: "*", Action: ["sqs:*"] },
        ],
      }),
    };

    expect(toQueueFacts("events", url, attributes)).toEqual({
      role: "events",
      url,
      arn,
      name: "stack-events.fifo",
      isFifo: true,
      waiting: 7,
      visibilityMs: 180_000,
      retentionMs: 86_400_000,
      redrive: { targetArn: "arn:dead", maxReceiveCount: 5 },
      statements: [
        {
          effect: "Allow",
          principals: ["sns.amazonaws.com"],
          actions: ["sqs:SendMessage"],
          hasCondition: true,
          sources: ["arn:one", "arn:two"],
        },
        { effect: "Deny", principals: ["*"], actions: ["sqs:*"], hasCondition: false, sources: [] },
      ],
    });
  });

  it("may be absent or unreadable", () => {
    const attributes = { QueueArn: arn, Policy: "{", RedrivePolicy: "null" };

    expect(toQueueFacts("events", url, attributes)).toMatchObject({
      visibilityMs: 30_000,
      retentionMs: 345_600_000,
      waiting: 0,
      redrive: undefined,
      statements: [],
    });
  });
});
