import { describe, expect, it } from "vitest";
import { aQueue } from "../testing/yard-facts.ts";
import { evaluateTopic } from "./check-topic.ts";

const topic = "arn:aws:sns:eu-west-1:111122223333:events";
const allows = {
  effect: "Allow",
  principals: ["sns.amazonaws.com"],
  actions: ["sqs:SendMessage"],
  hasCondition: true,
  sources: [topic],
};
const queue = aQueue({ statements: [allows] });
const subscription = { Protocol: "sqs", Endpoint: queue.arn };

describe("a topic before the queue of events", () => {
  it("leads there", () => {
    expect(evaluateTopic(topic, [subscription], queue)).toEqual([
      { check: "topic", status: "ok", message: "events leads to stack-events." },
    ]);
  });

  it("must have it as a subscriber", () => {
    const elsewhere = { Protocol: "sqs", Endpoint: "arn:aws:sqs:eu-west-1:111122223333:other" };

    expect(evaluateTopic(topic, [elsewhere], queue)).toMatchObject([
      { status: "fail", hint: expect.stringContaining(`aws sns subscribe --topic-arn ${topic}`) },
    ]);
  });

  it("must be let in by its policy", () => {
    expect(evaluateTopic(topic, [subscription], aQueue())).toMatchObject([
      { status: "fail", message: expect.stringContaining("does not let events send") },
    ]);
  });

  it("is there, where the queue is not known", () => {
    expect(evaluateTopic(topic, [], undefined)).toMatchObject([{ status: "ok", message: "events exists." }]);
  });
});
