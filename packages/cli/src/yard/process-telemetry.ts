import type { Executor, Logger, Store } from "@stackyard/core";
import { type Engine, systemClock } from "@stackyard/core/engine";
import type { Metric } from "@stackyard/telemetry";
import { VERSION } from "../own-version.ts";

/** Measures one process of a yard. */
export interface ProcessTelemetry {
  readonly instrumentStore: (store: Store) => Store;
  readonly instrumentEngine: (engine: Engine) => Engine;
  instrumentExecutors(executors: ReadonlyMap<string, Executor>): ReadonlyMap<string, Executor>;
  /** Returns the counters and histograms of this process, with 0 for these machines, and its figures. */
  list(machines?: readonly string[]): readonly Metric[];
  /** Returns what a process without an API shows at `/metrics`. */
  expose(): string;
  /** Sends what waits, within seconds. */
  stop(): Promise<void>;
}

interface ProcessTelemetryInput {
  readonly service: "stackyard-server" | "stackyard-worker";
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
}

/** Starts measuring. With an address of OpenTelemetry in the environment, traces and metrics are also sent there. */
export async function startProcessTelemetry(input: ProcessTelemetryInput): Promise<ProcessTelemetry> {
  const { service, env, logger } = input;
  const telemetry = await import("@stackyard/telemetry");
  const counters = telemetry.createPrometheusMetrics();
  const own = telemetry.startProcessMetrics();
  const { instrumentStore, instrumentEngine, instrumentExecutor, flush } = await telemetry.createTelemetry({
    service,
    // Lines for CloudWatch would mix with the output of the command, so they are written on request only.
    environment: { ...env, EMF_METRICS: env["EMF_METRICS"] ?? "false" },
    clock: systemClock,
    logger,
    alsoCount: counters.count,
  });
  const list = (machines?: readonly string[]) => [...counters.list(machines), ...own.list()];
  return {
    instrumentStore,
    instrumentEngine,
    instrumentExecutors: (executors) =>
      new Map([...executors].map(([name, executor]) => [name, instrumentExecutor(executor)])),
    list,
    expose: () =>
      telemetry.toExposition([
        telemetry.toMetric("stackyard_info", [{ labels: { version: VERSION }, value: 1 }]),
        ...list(),
      ]),
    async stop() {
      own.stop();
      await flush();
    },
  };
}
