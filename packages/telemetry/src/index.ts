export { createTelemetry, type Telemetry, type TelemetryOptions, type Tracing } from "./create-telemetry.ts";
export {
  createHistogram,
  EXPOSITION_TYPE,
  type ExposedDefinition,
  type Histogram,
  type Metric,
  toExposition,
} from "./exposition.ts";
export type { EngineLike, StoreLike } from "./instrument.ts";
export { type Count, type Dimensions, METRICS, type MetricDefinition, type MetricName } from "./metrics.ts";
export { type ProcessMetrics, startProcessMetrics } from "./process-metrics.ts";
export {
  createPrometheusMetrics,
  loadYardMetrics,
  PROMETHEUS_METRICS,
  type PrometheusMetrics,
  toMetric,
} from "./prometheus.ts";
export type { TraceCarrier } from "./spans.ts";
export { type OpenTelemetry, TelemetryVariables } from "./telemetry-settings.ts";
export type { MeasuredStore } from "./yard-samples.ts";
