import { describe, expect, it } from "vitest";
import { isMap, unwrapBody } from "../event-message.ts";

const event = { stackId: "pr-12", event: "OPENED" };
const found = (message: unknown) => ({ kind: "message", message });
const notification = (message: unknown) => ({
  Type: "Notification",
  MessageId: "n-1",
  Message: JSON.stringify(message),
});
const bridged = (detail: unknown) => ({ "detail-type": "Event", source: "ci", detail });

describe("unwrapBody", () => {
  it.each([
    ["bare", event],
    ["of a topic", notification(event)],
    ["of EventBridge", bridged(event)],
    ["of EventBridge through a topic", notification(bridged(event))],
    ["in three envelopes", notification(notification(bridged(event)))],
  ])("finds the message %s, as text or value", (_, body) => {
    expect(unwrapBody(body)).toEqual(found(event));
    expect(unwrapBody(JSON.stringify(body))).toEqual(found(event));
  });

  it("opens no more than three envelopes", () => {
    expect(unwrapBody(bridged(bridged(bridged(bridged(event)))))).toEqual(found(bridged(event)));
  });

  it.each([
    { ...event, Type: "Notification", Message: "{}" },
    { ...event, detail: { stackId: "other" } },
    { Type: "SubscriptionConfirmation", Message: "{}" },
    { Type: "Notification", Message: { stackId: "other" } },
    { detail: "text" },
    { detail: [event] },
  ])("takes %j for no envelope", (body) => {
    expect(unwrapBody(body)).toEqual(found(body));
  });

  it.each([
    [{ Type: "Notification", Message: "no" }, "The message is not JSON."],
    [{ Type: "Notification", Message: "[]" }, "The message is not a JSON object."],
    [{ Type: "Notification", Message: '{"__proto__":{}}' }, 'The message is refused: it holds the key "__proto__".'],
    [" ".repeat(1_048_577), "The message is larger than 1048576 characters."],
    [`${JSON.stringify(event)}${" ".repeat(1_048_577)}`, "The message is larger than 1048576 characters."],
    ["null", "The message is not a JSON object."],
  ])("tells why there is none", (body, reason) => {
    expect(unwrapBody(body)).toEqual({ kind: "none", reason });
  });

  it("takes a text of exactly the largest size", () => {
    expect(unwrapBody(JSON.stringify(event).padEnd(1_048_576))).toEqual(found(event));
  });
});

describe("isMap", () => {
  it("is true for what JSON calls an object", () => {
    expect([{}, Object.create(null), [], null, "x", 1, undefined].map(isMap)).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
      false,
    ]);
  });
});
