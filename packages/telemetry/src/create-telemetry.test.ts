import { createMemoryStore } from "@stackyard/core/engine";
import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createTelemetry, type TelemetryOptions } from "./create-telemetry.ts";
import { createMemoryTracer } from "./testing/follow.ts";

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

  it("lets trace context go on, and names it in the log, without any exporter", async () => {
    const { telemetry, parsed } = await createBench();

    const sent = await telemetry.tracing.run([one], async () => {
      telemetry.logger.info("In it.");
      return telemetry.tracing.inject();
    });

    expect(sent).toEqual(one);
    expect(parsed()).toMatchObject([{ traceId: one.traceparent.slice(3, 35), spanId: "b7ad6b7169203331" }]);
  });

  it("writes metrics beside the log in a function, when the invocation ends", async () => {
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

    expect(parsed()).toMatchObject([{ yard: "main", stalledStacks: 0, queuedEvents: 0 }]);
  });

  it("measures nothing where nobody reads it", async () => {
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

  it("warns of what is wrong in its environment, and goes on", async () => {
    const { telemetry, parsed } = await createBench({ environment: { OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318" } });

    expect(await telemetry.tracing.run([one], async () => telemetry.tracing.inject())).toEqual(one);
    expect(parsed()).toMatchObject([{ level: "warn" }, { level: "warn" }]);
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

  it("warns and goes on where a collector refuses", async () => {
    const { clock, telemetry, parsed } = await createBench({
      openTelemetry: { flush: () => Promise.reject(new Error("503")) },
    });

    await telemetry.flush();

    expect(parsed()).toMatchObject([{ level: "warn", error: { message: "503" } }]);
    expect(clock.nextWakeAt()).toBeUndefined();
  });
});
