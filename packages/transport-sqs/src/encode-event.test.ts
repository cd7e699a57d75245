import { describe, expect, it } from "vitest";
import { encodeEvent } from "./encode-event.ts";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const event = {
  ...({ id: "result:a1", stackId: "pr-12", origin: "worker", receivedAt: 1_000 } as const),
  message: { event: "TASK_COMPLETED", stackId: "pr-12", dispatchId: "a1" },
} as const;

describe("encodeEvent", () => {
  it("sends trace context that was kept in the body in attributes", () => {
    const traced = { ...event, message: { ...event.message, traceparent, tracestate: "a=1" } };

    const { body, attributes } = encodeEvent(traced, "key");

    expect(body).toBe(encodeEvent(event, "key").body);
    expect(attributes).toMatchObject({ traceparent, tracestate: "a=1" });
  });

  it.each([["yes"], [5], [null]])("leaves in the body what is none: %j", (value) => {
    const withValue = { ...event, message: { ...event.message, traceparent: value } };

    const { body, attributes } = encodeEvent(withValue, "key");

    expect(JSON.parse(body)).toMatchObject({ traceparent: value });
    expect(attributes).not.toHaveProperty("traceparent");
  });

  it("gives a result a deduplication id that no sender can guess, and a sender's event always the same", () => {
    const ids = [event, event, { ...event, origin: "external" }, { ...event, origin: "external" }] as const;

    const [first, second, sent, again] = ids.map((each) => encodeEvent(each, "key").deduplicationId);

    expect(first).not.toBe(second);
    expect([sent === again, first === sent]).toEqual([true, false]);
  });
});
