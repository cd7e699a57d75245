import { type Clock, type Logger, silentLogger } from "@stackyard/core";
import type { Tracing } from "@stackyard/transport-sqs";
import type { EnvironmentVariables } from "./app.ts";

/** What an app tells about itself. */
export interface AppTelemetry {
  readonly logger: Logger;
  readonly tracing: Tracing | undefined;
  /** Follows an engine's decisions. */
  instrumentEngine<Engine extends object>(engine: Engine): Engine;
  /** At the end of an invocation. */
  flush(): Promise<void>;
}

/** What telemetry is made of. */
export interface TelemetryInput {
  readonly service: string;
  readonly environment: EnvironmentVariables;
  readonly clock: Clock;
}

/** Tells nothing. */
export function createAppTelemetry(_input: TelemetryInput): AppTelemetry {
  return { logger: silentLogger, tracing: undefined, instrumentEngine: (engine) => engine, flush: async () => {} };
}
