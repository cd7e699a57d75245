import { describe, expect, it } from "vitest";
import { createTracing } from "./create-tracing.ts";
import { createFollow } from "./testing/follow.ts";

const one = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" };
const two = { traceparent: "00-1af7651916cd43dd8448eb211c80319c-c7ad6b7169203331-01" };

describe("tracing over queues", () => {
  it("works one message as a part of its sender's trace", async () => {
    const { scopes, spans, spansByName } = createFollow();
    const tracing = createTracing(scopes, spans);

    const sent = await tracing.run([one], async () => tracing.inject());

    const [span] = spansByName()["process"] ?? [];
    expect(span?.spanContext().traceId).toBe(one.traceparent.slice(3, 35));
    expect(sent["traceparent"]).toContain(span?.spanContext().spanId);
  });

  it("works several in a trace of their own that is linked with each", async () => {
    const { scopes, spans, spansByName } = createFollow();

    await createTracing(scopes, spans).run([one, {}, two], async () => {});

    const [span] = spansByName()["process"] ?? [];
    expect(span?.links.map(({ context }) => context.spanId)).toEqual(["b7ad6b7169203331", "c7ad6b7169203331"]);
    expect(span?.parentSpanContext).toBeUndefined();
    expect(span?.attributes["messaging.batch.message_count"]).toBe(3);
  });

  it("gives no message the trace of another where nothing is exported", async () => {
    const { scopes, spans } = createFollow({ isTraced: false });
    const tracing = createTracing(scopes, spans);

    expect(await tracing.run([one, two], async () => tracing.inject())).toEqual({});
    expect(await tracing.run([one], async () => tracing.inject())).toEqual(one);
  });

  it("passes over what is no trace context", async () => {
    const { scopes, spans, spansByName } = createFollow();

    await createTracing(scopes, spans).run([{ traceparent: "no", baggage: "a=1" }], async () => {});

    expect(spansByName()["process"]?.[0]?.parentSpanContext).toBeUndefined();
  });

  it("hands over what came along once, to who works the messages first", async () => {
    const { scopes, spans } = createFollow({ isTraced: false });

    const taken = await createTracing(scopes, spans).run([one, two], async () => {
      const { takeCarriers } = scopes.current();
      return [takeCarriers(), takeCarriers()];
    });

    expect(taken).toEqual([[one, two], []]);
  });
});
