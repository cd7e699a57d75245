import { describe, expect, it } from "vitest";
import { findCarrier, toCarrier, toErrorType, toSpanContext } from "./spans.ts";
import { createFollow } from "./testing/follow.ts";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const traceId = traceparent.slice(3, 35);
const input = { name: "work", attributes: { a: 1 } };

describe("spans", () => {
  it("continue the trace of their input, and nest", async () => {
    const { spans, spansByName } = createFollow();

    await spans.run({ ...input, parent: { traceparent, tracestate: "a=1" } }, () =>
      spans.run({ ...input, name: "part" }, async () => {}),
    );

    const { work: [work] = [], part: [part] = [] } = spansByName();
    expect([work?.spanContext().traceId, part?.spanContext().traceId]).toEqual([traceId, traceId]);
    expect(work?.parentSpanContext?.spanId).toBe("b7ad6b7169203331");
    expect(part?.parentSpanContext?.spanId).toBe(work?.spanContext().spanId);
    expect(work?.attributes).toEqual({ a: 1 });
  });

  it("give what is sent meanwhile their own context, with the state that came along", async () => {
    const { spans, spansByName } = createFollow();

    const sent = await spans.run({ ...input, parent: { traceparent, tracestate: "a=1" } }, async () => spans.inject());

    const [work] = spansByName()["work"] ?? [];
    expect(sent).toEqual({ traceparent: `00-${traceId}-${work?.spanContext().spanId}-01`, tracestate: "a=1" });
    expect(spans.inject()).toEqual({});
  });

  it("propagate the context of their input without an exporter", async () => {
    const { spans, spansByName } = createFollow({ isTraced: false });
    const parent = { traceparent, tracestate: "a=1" };

    const sent = await spans.run({ ...input, parent }, () => spans.run(input, async () => spans.inject()));

    expect([sent, spansByName()]).toEqual([parent, {}]);
  });

  it("do not mix traces when call chains run concurrently", async () => {
    const { spans } = createFollow({ isTraced: false });
    const other = { traceparent: traceparent.replace("0af", "0bf") };

    const sent = await Promise.all(
      [{ traceparent }, other].map((parent) =>
        spans.run({ ...input, parent }, async () => {
          await Promise.resolve();
          return spans.inject();
        }),
      ),
    );

    expect(sent).toEqual([{ traceparent }, other]);
  });

  it("end with an error's code, not with its text, and let it through", async () => {
    const { spans, spansByName } = createFollow();
    const error = Object.assign(new Error("password hunter2"), { code: "FORBIDDEN" });

    await expect(spans.run(input, () => Promise.reject(error))).rejects.toBe(error);

    const [work] = spansByName()["work"] ?? [];
    expect([work?.status, work?.attributes["error.type"], work?.events]).toEqual([{ code: 2 }, "FORBIDDEN", []]);
  });

  it("do not keep what their sender did not keep", async () => {
    const { spans, spansByName } = createFollow();
    const unkept = { traceparent: traceparent.replace(/01$/, "00") };

    const sent = await spans.run({ ...input, parent: unkept }, async () => spans.inject());

    expect(spansByName()).toEqual({});
    expect(sent["traceparent"]).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`));
  });
});

describe("toErrorType", () => {
  it("is the code, else the class", () => {
    expect([{ code: "A" }, new TypeError("x"), "text"].map(toErrorType)).toEqual(["A", "TypeError", "unknown"]);
  });
});

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
