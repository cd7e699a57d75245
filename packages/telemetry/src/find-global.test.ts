import { trace } from "@opentelemetry/api";
import { createFakeClock } from "@stackyard/core/testing";
import { afterEach, describe, expect, it } from "vitest";
import { createTelemetry } from "./create-telemetry.ts";
import { findGlobalOpenTelemetry } from "./find-global.ts";
import { createMemoryTracer } from "./testing/follow.ts";

afterEach(() => trace.disable());

describe("what somebody else has set up in the process", () => {
  it("is nothing where nobody has", () => {
    expect(findGlobalOpenTelemetry()).toBeUndefined();
  });

  it("takes the spans, and no exporter is opened beside it", async () => {
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
