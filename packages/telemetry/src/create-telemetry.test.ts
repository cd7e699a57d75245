import { trace } from "@opentelemetry/api";
import { createMemoryStore } from "@stackyard/core/engine";
import { createFakeClock } from "@stackyard/core/testing";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  createMeasureYard,
  createTelemetry,
  createTracing,
  findGlobalOpenTelemetry,
  type TelemetryOptions,
} from "./create-telemetry.ts";
import { createFollow, createMemoryTracer } from "./testing/follow.ts";
import type { MeasuredStore } from "./yard-samples.ts";

const one = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" };

async function createBench(options: Partial<TelemetryOptions> = {}) {
  const clock = createFakeClock();
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const telemetry = await createTelemetry({ service: "task-runner", environment: {}, clock, write, ...options });
  return { clock, telemetry, parsed: () => lines.map((line) => JSON.parse(line)) };
}

describe("telemetry", () => {
  it("writes the trace's ids into lines that are written in it", async () => {
    const { tracer, spans } = createMemoryTracer();
    const { telemetry, parsed } = await createBench({ openTelemetry: { tracer } });

    await telemetry.tracing.run([one], async () => telemetry.logger.info("In it."));
    telemetry.logger.info("After it.");

    const { traceId, spanId } = spans()[0]?.spanContext() ?? {};
    expect(traceId).toBe(one.traceparent.slice(3, 35));
    expect(parsed()).toMatchObject([{ message: "In it.", traceId, spanId }, { message: "After it." }]);
    expect(parsed()[1]).not.toHaveProperty("traceId");
  });

  it("propagates trace context and logs it without an exporter", async () => {
    const { telemetry, parsed } = await createBench();

    const sent = await telemetry.tracing.run([one], async () => {
      telemetry.logger.info("In it.");
      return telemetry.tracing.inject();
    });

    expect(sent).toEqual(one);
    expect(parsed()).toMatchObject([{ traceId: one.traceparent.slice(3, 35), spanId: "b7ad6b7169203331" }]);
  });

  it("writes metrics to the log of a function when the invocation ends", async () => {
    const { telemetry, parsed } = await createBench({
      environment: { AWS_LAMBDA_FUNCTION_NAME: "f", YARD_NAME: "blue" },
    });

    telemetry.count("stalls", 1, { code: "LOOP_LIMIT" });
    await telemetry.flush();

    expect(parsed()).toMatchObject([{ yard: "blue", service: "task-runner", stalls: 1 }]);
  });

  it("writes at once how a yard stands", async () => {
    const { telemetry, parsed } = await createBench({ environment: { EMF_METRICS: "true" } });

    await telemetry.measureYard(createMemoryStore());

    expect(parsed()).toContainEqual(expect.objectContaining({ yard: "main", stalledStacks: 0, queuedEvents: 0 }));
  });

  it("measures nothing when no exporter would read it", async () => {
    const { telemetry, parsed } = await createBench();

    telemetry.count("stalls", 1);
    await telemetry.flush();

    expect(parsed()).toEqual([]);
  });

  it("names the invocation in each line, and flushes at its end, also when it fails", async () => {
    const { telemetry, parsed } = await createBench({ environment: { EMF_METRICS: "true" } });

    const failing = telemetry.invoke({ requestId: "r1" }, async () => {
      await telemetry.tracing.run([one], async () => telemetry.logger.info("In it."));
      telemetry.count("stalls", 1);
      throw new TypeError("no");
    });

    await expect(failing).rejects.toThrow("no");
    expect(parsed()).toMatchObject([{ requestId: "r1", traceId: one.traceparent.slice(3, 35) }, { stalls: 1 }]);
  });

  it("follows LOG_LEVEL", async () => {
    const { telemetry, parsed } = await createBench({ environment: { LOG_LEVEL: "error" } });

    telemetry.logger.warn("Less.");
    telemetry.logger.error("More.");

    expect(parsed()).toMatchObject([{ message: "More." }]);
  });

  it("warns of errors in its environment, and continues", async () => {
    const { telemetry, parsed } = await createBench({ environment: { OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318" } });

    expect(await telemetry.tracing.run([one], async () => telemetry.tracing.inject())).toEqual(one);
    const message = "OTEL_EXPORTER_OTLP_ENDPOINT must be an address such as http://localhost:4318. It is ignored.";
    expect(parsed()).toMatchObject([{ level: "warn", message }]);
  });

  it("ends an invocation within seconds where a collector does not answer", async () => {
    const { clock, telemetry } = await createBench({ openTelemetry: { flush: () => new Promise(() => {}) } });
    let ended = false;

    const flushing = telemetry.flush().then(() => {
      ended = true;
    });
    await clock.advance(3_999);
    const before = ended;
    await clock.advance(1);
    await flushing;

    expect([before, ended]).toEqual([false, true]);
  });

  it("warns and continues when a collector rejects its data", async () => {
    const { clock, telemetry, parsed } = await createBench({
      openTelemetry: { flush: () => Promise.reject(new Error("503")) },
    });

    await telemetry.flush();

    expect(parsed()).toMatchObject([{ level: "warn", error: { message: "503" } }]);
    expect(clock.nextWakeAt()).toBeUndefined();
  });
});

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

  it("ignores an invalid trace context", async () => {
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

afterEach(() => trace.disable());

describe("OpenTelemetry that another library has set up in the process", () => {
  it("is absent by default", () => {
    expect(findGlobalOpenTelemetry()).toBeUndefined();
  });

  it("receives the spans, and no second exporter is opened", async () => {
    const { tracer, spans } = createMemoryTracer();
    trace.setGlobalTracerProvider({ getTracer: () => tracer });
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" };
    const { tracing, flush } = await createTelemetry({
      service: "task-runner",
      environment,
      clock: createFakeClock(),
      write: () => {},
    });

    await tracing.run([{}], async () => {});
    await flush();

    expect(spans().map(({ name }) => name)).toEqual(["process"]);
  });
});

const stats = { stacks: 3, queuedEvents: 1, queuedTasks: 2, parkedEvents: 3, deadLetters: 4, openAttempts: 5 };

function createBenchMeasureYard() {
  const clock = createFakeClock();
  const measured: string[] = [];
  const measure = createMeasureYard({
    clock,
    count: (name, value, dimensions = {}) => void measured.push([name, value, ...Object.values(dimensions)].join(" ")),
  });
  const states = [{ machine: "app", state: "LIVE", count: 2 }];
  const queries: MeasuredStore["queries"] = {
    stats: async () => ({ ...stats, states, oldestEventAt: clock.now() - 90_000 }),
    // The degraded one is acknowledged: it needs no one.
    countStacks: async ({ needsPerson = false }, by) => ({
      total: 2,
      groups: [
        by === "condition" ? { condition: "stalled", count: 1 } : { mainCondition: "stalled", count: 1 },
        ...(needsPerson || by === "condition" ? [] : [{ mainCondition: "degraded" as const, count: 1 }]),
      ],
    }),
    listOpenAttempts: async () => ({ items: [] }),
  };
  return { clock, measured, measure: () => measure({ queries }), queries, states };
}

describe("measuring a yard", () => {
  it("reports how many stacks are in each state, are stalled or have failed, and what waits", async () => {
    const { measure, measured } = createBenchMeasureYard();

    await measure();

    expect(measured).toEqual([
      "stacks 2 app LIVE",
      ...["failed 0", "degraded 0", "stalled 1", "overdue 0", "approval 0", "busy 0", "waiting 0"].map(
        (each) => `stacks_in_condition ${each.split(" ").reverse().join(" ")}`,
      ),
      ...["failed 0", "degraded 0", "overdue 0", "stalled 1", "approval 0"].map(
        (each) => `stacks_needing_person ${each.split(" ").reverse().join(" ")}`,
      ),
      ...["stalled_stacks 1", "failed_stacks 0", "queued_events 1", "queued_tasks 2"],
      ...["parked_events 3", "dead_letters 4", "open_attempts 5"],
      ...["oldest_event_age_seconds 90", "oldest_task_age_seconds 0"],
    ]);
  });

  it("looks no oftener than every five minutes, because a look may read a whole table", async () => {
    const { measure, measured, clock } = createBenchMeasureYard();
    await measure();
    const once = measured.length;

    await clock.advance(240_000);
    await measure();
    const before = measured.length;
    await clock.advance(60_000);
    await measure();

    expect([before, measured.length]).toEqual([once, 2 * once]);
  });

  it("looks again where a look has failed", async () => {
    const { measure, measured, queries } = createBenchMeasureYard();
    const spy = vi.spyOn(queries, "stats").mockRejectedValueOnce(new TypeError("no"));
    await measure().catch(() => undefined);
    spy.mockRestore();

    expect([await measure(), measured.length > 0]).toEqual([true, true]);
  });

  it("reports once that a state no longer has stacks", async () => {
    const { measure, measured, clock, states } = createBenchMeasureYard();
    await measure();
    states.length = 0;

    for (let time = 0; time < 2; time += 1) {
      await clock.advance(300_000);
      await measure();
    }

    expect(measured.filter((line) => line.startsWith("stacks "))).toEqual(["stacks 2 app LIVE", "stacks 0 app LIVE"]);
  });
});
