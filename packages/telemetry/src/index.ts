export { createTelemetry, type Telemetry, type TelemetryOptions } from "./create-telemetry.ts";
export type { Tracing } from "./create-tracing.ts";
export type { EngineLike } from "./instrument-engine.ts";
export type { StoreLike } from "./instrument-store.ts";
export type { MeasuredStore } from "./measure-yard.ts";
export type { Count } from "./metric-sink.ts";
export { type Dimensions, METRICS, type MetricDefinition, type MetricName } from "./metrics.ts";
export type { OpenTelemetry } from "./open-exporters.ts";
export type { TraceCarrier } from "./trace-context.ts";
