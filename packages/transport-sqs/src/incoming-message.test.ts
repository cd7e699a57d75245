import { describe, expect, it } from "vitest";
import { toIncomingMessage } from "./incoming-message.ts";

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
