import { describe, expect, it } from "vitest";
import { parseQueuedEvent } from "./queued-event.ts";

const row = { id: "e1", stackId: "s1", receivedAt: 5 };
const event = { id: "e1", stackId: "s1", origin: "external", message: { event: "PUSH" }, receivedAt: 5 };

describe("parseQueuedEvent", () => {
  it("returns the event of a row", () => {
    expect(parseQueuedEvent(JSON.stringify(event), row)).toEqual(event);
  });

  it.each([
    ["{", "it is not JSON"],
    ["null", "it is not an object"],
    ["[]", "it is not an object"],
    ["{}", '"id" is not of type string'],
    [JSON.stringify({ ...event, message: "PUSH" }), '"message" is not of type object'],
    [JSON.stringify({ ...event, origin: "engine" }), '"origin" is neither "external" nor "stack" nor "worker"'],
    [JSON.stringify({ ...event, receivedAt: "now" }), '"receivedAt" is not of type number'],
  ])("returns an event with the reason for the row %s", (text, reason) => {
    const unreadable = `The row of the event in the queue cannot be read: ${reason}.`;

    expect(parseQueuedEvent(text, row)).toEqual({ ...row, origin: "external", message: { unreadable, body: text } });
  });

  it("keeps the beginning of a large row", () => {
    expect(String(parseQueuedEvent("x".repeat(100_000), row).message["body"])).toHaveLength(4_096);
  });
});
