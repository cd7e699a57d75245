import { describe, expect, it } from "vitest";
import { readEnvelope } from "./envelope.ts";

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

  it("passes over ids that no event may have", () => {
    expect(readEnvelope(JSON.stringify({ id: "x".repeat(256), detail: {} }))).toEqual(NONE);
    expect(readEnvelope(JSON.stringify({ id: 7, detail: {} }))).toEqual(NONE);
  });
});
