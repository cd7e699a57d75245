import { silentLogger } from "@stackyard/core";
import type { AppTelemetry } from "../telemetry.ts";

/** Tells nothing. */
export const silentTelemetry: AppTelemetry = {
  logger: silentLogger,
  tracing: undefined,
  instrumentEngine: (engine) => engine,
  flush: async () => {},
};
