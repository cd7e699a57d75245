import type { Clock, Executor, Logger } from "@stackyard/core";
import type { Tracing } from "@stackyard/transport-sqs";
import { createJsonLogger, type LogLevel } from "./json-logger.ts";

/** What an app tells about itself. */
export interface AppTelemetry {
  readonly logger: Logger;
  readonly tracing: Tracing | undefined;
  /** Follows an engine's decisions. */
  instrumentEngine<Engine extends object>(engine: Engine): Engine;
  /** Follows an executor's calls. */
  instrumentExecutor(executor: Executor): Executor;
  /** At the end of an invocation. */
  flush(): Promise<void>;
}

/** What telemetry is made of. */
export interface TelemetryInput {
  readonly service: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
}

/** Logs, as `LOG_LEVEL` says; a wrong level is told with all else that is wrong. */
export function createAppTelemetry({ service, environment, clock }: TelemetryInput): AppTelemetry {
  const level = LEVELS.find((each) => each === environment["LOG_LEVEL"]) ?? "info";
  const logger = createJsonLogger({ service, level, clock, write: (line) => void process.stdout.write(line) });
  return {
    ...{ logger, tracing: undefined },
    instrumentEngine: (engine) => engine,
    instrumentExecutor: (executor) => executor,
    flush: async () => {},
  };
}

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];
