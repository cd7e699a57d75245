import { silentLogger } from "@stackyard/core";
import type { AppTelemetry } from "../telemetry.ts";

/** Tells nothing. */
export const silentTelemetry: AppTelemetry = {
  logger: silentLogger,
  tracing: undefined,
  instrumentEngine: (engine) => engine,
  instrumentExecutor: (executor) => executor,
  flush: async () => {},
};
