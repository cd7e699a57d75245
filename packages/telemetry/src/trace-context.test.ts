import { describe, expect, it } from "vitest";
import { findCarrier, toCarrier, toSpanContext } from "./trace-context.ts";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

describe("trace context", () => {
  it("is found among other values", () => {
    expect(findCarrier({ traceparent, tracestate: "a=1", event: "PUSHED" })).toEqual({
      traceparent,
      tracestate: "a=1",
    });
  });

  it.each([
    ["nothing", {}],
    ["another type", { traceparent: 5 }],
    ["another form", { traceparent: "yes" }],
    ["the version that never is", { traceparent: traceparent.replace("00-", "ff-") }],
    ["no trace", { traceparent: `00-${"0".repeat(32)}-b7ad6b7169203331-01` }],
    ["no span", { traceparent: `00-0af7651916cd43dd8448eb211c80319c-${"0".repeat(16)}-01` }],
  ])("is not found in %s", (_, values) => {
    expect(findCarrier({ ...values, tracestate: "a=1" })).toEqual({});
  });

  it("leaves out a state that is too long or none", () => {
    expect(findCarrier({ traceparent, tracestate: "x".repeat(513) })).toEqual({ traceparent });
    expect(findCarrier({ traceparent, tracestate: "" })).toEqual({ traceparent });
  });

  it.each([["\u0001"], ["a=\u00fc"], ["a=1\n"]])("leaves out the state %j, which no queue takes", (tracestate) => {
    expect(findCarrier({ traceparent, tracestate })).toEqual({ traceparent });
  });

  it("is not found where more follows that no queue takes", () => {
    expect(findCarrier({ traceparent: `${traceparent}-\u0001` })).toEqual({});
  });

  it("comes back as it went out, with its state", () => {
    const carrier = { traceparent, tracestate: "a=1,b=2" };
    const context = toSpanContext(carrier);

    expect(context).toMatchObject({
      traceId: traceparent.slice(3, 35),
      spanId: "b7ad6b7169203331",
      traceFlags: 1,
      isRemote: true,
    });
    expect(context && toCarrier(context)).toEqual(carrier);
  });

  it("keeps that a sender did not keep the trace", () => {
    const context = toSpanContext({ traceparent: traceparent.replace(/01$/, "00") });

    expect(context?.traceFlags).toBe(0);
    expect(context && toCarrier(context).traceparent?.endsWith("-00")).toBe(true);
  });

  it("reads later versions, which may have more at their end", () => {
    expect(toSpanContext({ traceparent: `${traceparent.replace("00-", "01-")}-more` })?.spanId).toBe(
      "b7ad6b7169203331",
    );
  });
});
