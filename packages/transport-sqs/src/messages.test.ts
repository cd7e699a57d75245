import { describe, expect, it } from "vitest";
import { readEnvelope, toDeduplicationId, toGroupId, toIncomingMessage } from "./messages.ts";

describe("toIncomingMessage", () => {
  it("reads the counts and leaves out what is not there", () => {
    const raw = {
      messageId: "m-1",
      receiptHandle: "r-1",
      body: "{}",
      system: { ApproximateReceiveCount: "3", SentTimestamp: "1767225600000", MessageGroupId: "s1" },
      attributes: { a: "1", binary: undefined },
    };

    expect(toIncomingMessage(raw)).toEqual({
      messageId: "m-1",
      receiptHandle: "r-1",
      body: "{}",
      attributes: { a: "1" },
      deliveries: 3,
      sentAt: 1_767_225_600_000,
      groupId: "s1",
    });
  });

  it("takes a message without counts for a first delivery", () => {
    const nothing = { messageId: undefined, receiptHandle: undefined, body: undefined, system: {}, attributes: {} };

    expect(toIncomingMessage(nothing)).toEqual({
      messageId: "",
      receiptHandle: "",
      body: "",
      attributes: {},
      deliveries: 1,
    });
    expect(toIncomingMessage({ ...nothing, system: { ApproximateReceiveCount: "many" } }).deliveries).toBe(1);
  });
});

const NONE = { attributes: {} };

describe("readEnvelope", () => {
  it("reads the notification of a topic", () => {
    const body = {
      Type: "Notification",
      MessageId: "sns-1",
      TopicArn: "arn:aws:sns:eu-west-1:111122223333:events",
      Message: "{}",
      MessageAttributes: { a: { Type: "String", Value: "1" }, b: { Type: "Binary", Value: "AA==" }, c: "no" },
    };

    expect(readEnvelope(JSON.stringify(body))).toEqual({ id: "sns-1", attributes: { a: "1" }, message: "{}" });
  });

  it("reads the id of an event of a bus", () => {
    expect(readEnvelope('{"id":"bus-1","detail":{"stackId":"s"}}')).toEqual({ id: "bus-1", attributes: {} });
  });

  it.each([
    ["no JSON", "{"],
    ["a list", "[]"],
    ["a plain message", '{"stackId":"s","event":"GO"}'],
    ["a message that looks like an envelope and has a stack", '{"stackId":"s","Type":"Notification","Message":"{}"}'],
    ["a map without anything", "{}"],
    ["a notification of something else", '{"Type":"SubscriptionConfirmation","Message":"You have chosen"}'],
  ])("finds none around %s", (_, body) => {
    expect(readEnvelope(body)).toEqual(NONE);
  });

  it("ignores invalid event ids", () => {
    expect(readEnvelope(JSON.stringify({ id: "x".repeat(256), detail: {} }))).toEqual(NONE);
    expect(readEnvelope(JSON.stringify({ id: 7, detail: {} }))).toEqual(NONE);
  });
});

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
