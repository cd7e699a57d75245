import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { expect, it } from "vitest";
import { createOtelMetrics } from "./otel-metrics.ts";

it("measures with OpenTelemetry under the same names, by yard", async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const provider = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter })] });
  const count = createOtelMetrics(provider.getMeter("test"), "main");

  count("events", 1, { outcome: "applied" });
  count("events", 2, { outcome: "applied" });
  count("stalled_stacks", 3);
  count("stalled_stacks", 1);
  count("event_age_seconds", 0.2);
  await provider.forceFlush();

  const metrics = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics: all }) => all));
  const told = metrics.map(({ descriptor, dataPoints }) => {
    const [{ attributes, value } = { attributes: {}, value: 0 }] = dataPoints;
    return [descriptor.name, descriptor.unit, attributes, typeof value === "number" ? value : value.sum];
  });
  expect(told).toEqual([
    ["stackyard.events", "1", { yard: "main", outcome: "applied" }, 3],
    ["stackyard.stalled_stacks", "1", { yard: "main" }, 1],
    ["stackyard.event_age_seconds", "s", { yard: "main" }, 0.2],
  ]);
  await provider.shutdown();
});
