import type { Meter } from "@opentelemetry/api";
import type { Count } from "./metric-sink.ts";
import { METRICS, type MetricDefinition, type MetricName, toOpenTelemetryName } from "./metrics.ts";

type Record = (value: number, attributes: Readonly<{ [name: string]: string }>) => void;

/** Measures with OpenTelemetry; every value also says the yard. */
export function createOtelMetrics(meter: Meter, yard: string): Count {
  const instruments = new Map<MetricName, Record>();
  return (name, value, dimensions = {}) => {
    const record = instruments.get(name) ?? createInstrument(meter, name);
    instruments.set(name, record);
    record(value, { yard, ...dimensions });
  };
}

/** Time in states and of tasks goes from milliseconds to days. */
const BOUNDARIES = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400, 604_800];

function createInstrument(meter: Meter, name: MetricName): Record {
  const { kind, help, unit }: MetricDefinition = METRICS[name];
  const options = { description: help, unit: unit === "Seconds" ? "s" : "1" };
  const fullName = toOpenTelemetryName(name);
  switch (kind) {
    case "counter": {
      const counter = meter.createCounter(fullName, options);
      return (value, attributes) => counter.add(value, attributes);
    }
    case "gauge": {
      const gauge = meter.createGauge(fullName, options);
      return (value, attributes) => gauge.record(value, attributes);
    }
    case "distribution": {
      const advice = { explicitBucketBoundaries: BOUNDARIES };
      const histogram = meter.createHistogram(fullName, { ...options, advice });
      return (value, attributes) => histogram.record(value, attributes);
    }
  }
}
