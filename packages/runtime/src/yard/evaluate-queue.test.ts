import { describe, expect, it } from "vitest";
import { aDeadLetterQueue, aQueue } from "../testing/yard-facts.ts";
import { evaluateQueue } from "./evaluate-queue.ts";

const around = { deadLetters: aDeadLetterQueue(), timeoutMs: 30_000 };

describe("a yard's queue", () => {
  it("is well with six times the function's time and dead letters after five deliveries", () => {
    expect(evaluateQueue(aQueue(), around)).toEqual([
      {
        check: "queue",
        status: "ok",
        message: "stack-events: standard, visibility 180 s, dead letters after 5 deliveries, 0 waiting.",
      },
    ]);
  });

  it("must hide messages for six times the longest function timeout; the hint has the command", () => {
    const [finding, ...more] = evaluateQueue(aQueue({ visibilityMs: 60_000 }), around);

    expect(more).toEqual([]);
    expect(finding).toMatchObject({
      status: "warn",
      message: "stack-events: messages are delivered again after 60 s, but a function that reads them may take 30 s.",
      hint: expect.stringContaining("stack-events --attributes VisibilityTimeout=180"),
    });
  });

  it("that no function reads may hide them as long as it likes", () => {
    const queue = aQueue({ visibilityMs: 1_000 });

    expect(evaluateQueue(queue, { ...around, timeoutMs: undefined })).toMatchObject([{ status: "ok" }]);
  });

  it("should have a redrive policy", () => {
    expect(evaluateQueue(aQueue({ redrive: undefined }), around)).toMatchObject([
      {
        status: "warn",
        message: "stack-events has no redrive policy. A message that always fails is delivered again for 4 days.",
      },
    ]);
  });

  it("should not give messages up before the engine does", () => {
    const redrive = { targetArn: aDeadLetterQueue().arn, maxReceiveCount: 3 };

    expect(evaluateQueue(aQueue({ redrive }), around)).toMatchObject([
      {
        status: "warn",
        message: expect.stringContaining("after 3 deliveries, before they are dead-lettered with a reason"),
      },
    ]);
  });

  it("should send dead letters to the queue in which the yard looks for them", () => {
    const redrive = { targetArn: "arn:aws:sqs:eu-west-1:111122223333:elsewhere", maxReceiveCount: 5 };

    expect(evaluateQueue(aQueue({ redrive }), around)).toMatchObject([
      {
        status: "warn",
        message: expect.stringMatching(/elsewhere, and the yard looks for them in event-dead-letters\.$/),
      },
    ]);
  });

  it("should not keep messages longer than its dead-letter queue", () => {
    const deadLetters = aDeadLetterQueue({ retentionMs: 86_400_000 });

    expect(evaluateQueue(aQueue(), { ...around, deadLetters })).toMatchObject([
      {
        status: "warn",
        message: "event-dead-letters: it keeps messages 1 day, less than stack-events with 4 days.",
        hint: expect.stringContaining("event-dead-letters --attributes MessageRetentionPeriod=1209600"),
      },
    ]);
  });

  it.each([
    { principals: ["*"], hasCondition: false, findings: 1 },
    { principals: ["*"], hasCondition: true, findings: 0 },
    { principals: ["arn:aws:iam::111122223333:root"], hasCondition: false, findings: 0 },
  ])("with $principals allowed and condition $hasCondition is open to all: $findings", (given) => {
    const { findings, ...statement } = given;
    const queue = aQueue({
      statements: [{ effect: "Allow", actions: ["sqs:SendMessage"], sources: [], ...statement }],
    });

    expect(evaluateQueue(queue, around).filter(({ status }) => status !== "ok")).toHaveLength(findings);
  });

  it("of ticks needs no dead-letter queue", () => {
    expect(evaluateQueue(aQueue({ role: "ticks", redrive: undefined }), around)).toMatchObject([{ status: "ok" }]);
  });

  it("of dead letters says how many lie there, and how they are sent again", () => {
    expect(evaluateQueue(aDeadLetterQueue({ waiting: 12 }), around)).toMatchObject([
      {
        check: "dead letters",
        status: "warn",
        message: "event-dead-letters: 12 messages were dead-lettered.",
        hint: expect.stringContaining("stackyard events redrive"),
      },
    ]);
    expect(evaluateQueue(aDeadLetterQueue(), around)).toMatchObject([{ status: "ok" }]);
  });

  it("of dead letters says how those are sent again that SQS itself has moved, which the store does not know", () => {
    const [{ hint } = { hint: "" }] = evaluateQueue(aDeadLetterQueue({ waiting: 1 }), around);

    expect(hint).toContain(
      "aws sqs start-message-move-task --source-arn arn:aws:sqs:eu-west-1:111122223333:event-dead-letters --destination-arn",
    );
  });
});
