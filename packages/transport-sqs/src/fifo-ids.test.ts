import { describe, expect, it } from "vitest";
import { isFifo, toDeduplicationId, toGroupId } from "./fifo-ids.ts";

describe("toGroupId", () => {
  it("is the stack's id where SQS takes it", () => {
    expect(toGroupId("pr-12")).toBe("pr-12");
    expect(toGroupId("a/b:c@d[~]")).toBe("a/b:c@d[~]");
  });

  it.each([["with a space"], ["größe"], ["x".repeat(129)], [""]])("is a hash of %j", (stackId) => {
    expect(toGroupId(stackId)).toMatch(/^[0-9a-f]{64}$/);
    expect(toGroupId(stackId)).not.toBe(toGroupId(`${stackId}!é`));
  });
});

describe("toDeduplicationId", () => {
  it("is the same for a repeat, and differs between stacks and events", () => {
    const ids = [
      ["s1", "e1"],
      ["s2", "e1"],
      ["s1", "e2"],
      ["s1e", "1"],
    ].map(([stackId = "", eventId = ""]) => toDeduplicationId(stackId, eventId));

    expect(new Set(ids).size).toBe(4);
    expect(toDeduplicationId("s1", "e1")).toBe(ids[0]);
    expect(ids[0]).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe("isFifo", () => {
  it("knows FIFO queues and topics by their names", () => {
    expect(isFifo("https://sqs.eu-west-1.amazonaws.com/1/stack-events.fifo")).toBe(true);
    expect(isFifo("https://sqs.eu-west-1.amazonaws.com/1/stack-events")).toBe(false);
  });
});
