export {
  createTelemetry,
  type MeasuredStore,
  type Telemetry,
  type TelemetryOptions,
  type Tracing,
} from "./create-telemetry.ts";
export type { EngineLike, StoreLike } from "./instrument.ts";
export { type Count, type Dimensions, METRICS, type MetricDefinition, type MetricName } from "./metrics.ts";
export type { TraceCarrier } from "./spans.ts";
export { type OpenTelemetry, TelemetryVariables } from "./telemetry-settings.ts";
