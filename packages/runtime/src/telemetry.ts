import { createTelemetry, type Telemetry, type TelemetryOptions } from "@stackyard/telemetry";

/** What an app tells about itself. */
export type AppTelemetry = Telemetry;

/** Logs, metrics and traces, as the environment says; a wrong `LOG_LEVEL` is told with all else that is wrong. */
export function createAppTelemetry(options: Pick<TelemetryOptions, "service" | "environment" | "clock">) {
  return createTelemetry(options);
}
