import { silentLogger } from "@stackyard/core";
import type { Telemetry } from "@stackyard/telemetry";

/** Tells nothing. */
export const silentTelemetry: Telemetry = {
  logger: silentLogger,
  tracing: { inject: () => ({}), run: (_carriers, work) => work() },
  instrumentEngine: (engine) => engine,
  instrumentStore: (store) => store,
  instrumentExecutor: (executor) => executor,
  count: () => {},
  measureYard: async () => {},
  invoke: (_fields, work) => work(),
  flush: async () => {},
};
