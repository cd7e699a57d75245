import { describe, expect, it } from "vitest";
import { findCarrier, noTracing, toTraceAttributes } from "./tracing.ts";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

describe("findCarrier", () => {
  it("finds trace context among attributes", () => {
    expect(findCarrier({ traceparent, tracestate: "a=1", stackyard: "{}" })).toEqual({
      traceparent,
      tracestate: "a=1",
    });
    expect(findCarrier({ traceparent })).toEqual({ traceparent });
  });

  it("passes over what is none", () => {
    expect(findCarrier({})).toEqual({});
    expect(findCarrier({ traceparent: "yes", tracestate: "a=1" })).toEqual({});
    expect(findCarrier({ tracestate: "a=1" })).toEqual({});
    expect(findCarrier({ traceparent, tracestate: "x".repeat(513) })).toEqual({ traceparent });
  });

  it.each([[""], ["\u0001"], ["a=\u00fc"], ["a=1\n"]])(
    "passes over the state %j, which no queue takes",
    (tracestate) => {
      expect(findCarrier({ traceparent, tracestate })).toEqual({ traceparent });
    },
  );

  it("passes over a parent with more at its end that no queue takes", () => {
    expect(findCarrier({ traceparent: `${traceparent}-more` })).toEqual({ traceparent: `${traceparent}-more` });
    expect(findCarrier({ traceparent: `${traceparent}-\u0001` })).toEqual({});
    expect(findCarrier({ traceparent: `${traceparent}\n` })).toEqual({});
  });
});

describe("toTraceAttributes", () => {
  it("sends nothing along where nothing is traced", () => {
    expect(toTraceAttributes(noTracing)).toEqual({});
  });

  it("sends only trace context along", () => {
    expect(toTraceAttributes({ ...noTracing, inject: () => ({ traceparent, baggage: "secret=1" }) })).toEqual({
      traceparent,
    });
  });
});
