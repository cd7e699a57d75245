import { systemClock } from "@stackyard/core/engine";
import { afterEach, describe, expect, it } from "vitest";
import { createTelemetry } from "./create-telemetry.ts";
import { startCollector } from "./testing/start-collector.ts";

const one = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" };
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function open(environment: Readonly<Record<string, string>>, status?: number) {
  const collector = await startCollector(status);
  ends.push(collector.stop);
  const lines: string[] = [];
  const telemetry = await createTelemetry({
    service: "state-manager",
    clock: systemClock,
    write: (line: string) => void lines.push(line),
    environment: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...environment },
  });
  return { collector, telemetry, lines };
}

describe("exporting over OTLP/HTTP", () => {
  it("sends spans and metrics at the end of an invocation, with yard, service and headers", {
    tags: "adapter",
  }, async () => {
    const { collector, telemetry } = await open({ YARD_NAME: "blue", OTEL_EXPORTER_OTLP_HEADERS: "x-key=k" });

    await telemetry.tracing.run([one], async () => telemetry.count("stalls", 1));
    await telemetry.flush();

    const sent = new Map(collector.received.map(({ path, bytes }) => [path, bytes.toString()]));
    expect([...sent.keys()].sort()).toEqual(["/v1/metrics", "/v1/traces"]);
    expect(sent.get("/v1/traces")).toContain('"traceId":"0af7651916cd43dd8448eb211c80319c"');
    expect(sent.get("/v1/metrics")).toContain('"stackyard.stalls"');
    for (const text of sent.values()) expect(text).toContain('{"key":"stackyard.yard","value":{"stringValue":"blue"}}');
    expect(collector.received.map(({ headers }) => headers["x-key"])).toEqual(["k", "k"]);
  });

  it("keeps the configured share of traces", async () => {
    const { collector, telemetry } = await open({
      OTEL_TRACES_SAMPLER: "always_off",
      OTEL_METRICS_EXPORTER: "none",
    });

    const sent = await telemetry.tracing.run([{}], async () => telemetry.tracing.inject());
    await telemetry.flush();

    expect(collector.received).toEqual([]);
    expect(sent["traceparent"]).toMatch(/-00$/);
  });

  it("does not fail the work where the collector refuses", async () => {
    const { telemetry } = await open({ OTEL_METRICS_EXPORTER: "none" }, 400);

    await telemetry.tracing.run([one], async () => {});

    await expect(telemetry.flush()).resolves.toBeUndefined();
  });
});
