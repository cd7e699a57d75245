import type { Clock, Executor, Logger } from "@stackyard/core";
import { createTracing, type Tracing } from "./create-tracing.ts";
import { createEmfMetrics } from "./emf-metrics.ts";
import { findGlobalOpenTelemetry } from "./find-global.ts";
import { type EngineLike, type InstrumentDeps, instrumentEngine } from "./instrument-engine.ts";
import { instrumentExecutor } from "./instrument-executor.ts";
import { instrumentStore, type StoreLike } from "./instrument-store.ts";
import { createJsonLogger } from "./json-logger.ts";
import { createMeasureYard, type MeasuredStore } from "./measure-yard.ts";
import type { Count } from "./metric-sink.ts";
import { type OpenTelemetry, openExporters } from "./open-exporters.ts";
import { createOtelMetrics } from "./otel-metrics.ts";
import { createScopes, type Scopes } from "./scope.ts";
import { createSpans } from "./spans.ts";
import { type EnvironmentVariables, parseTelemetrySettings, type TelemetrySettings } from "./telemetry-settings.ts";
import { toSpanContext } from "./trace-context.ts";

/** What telemetry is made of. */
export interface TelemetryOptions {
  /** The app, such as `state-manager`. */
  readonly service: string;
  readonly environment: EnvironmentVariables;
  readonly clock: Clock;
  /** Takes one line of the log with its end. Default: standard output. */
  readonly write?: (line: string) => void;
  /** Who takes spans and metrics. Default: whoever is set up in the process, else as the environment says. */
  readonly openTelemetry?: OpenTelemetry;
}

/** What an app tells about itself. */
export interface Telemetry {
  /** JSON lines, as `LOG_LEVEL` says, with the ids of the trace. */
  readonly logger: Logger;
  readonly tracing: Tracing;
  /** Follows an engine's decisions. */
  instrumentEngine<E extends EngineLike>(engine: E): E;
  /** Follows what an engine or a worker commits, and keeps the trace with it. */
  instrumentStore<S extends StoreLike>(store: S): S;
  /** Follows an executor's calls. */
  instrumentExecutor(executor: Executor): Executor;
  readonly count: Count;
  /** Measures how many stacks are in which state and what waits, at most every five minutes. */
  measureYard(store: MeasuredStore): Promise<void>;
  /**
   * Works one invocation: the fields (its id) stand in each line that is written meanwhile, and in the end what waits is written
   * and sent. What cannot be told is no reason to fail.
   */
  invoke<Result>(fields: Readonly<Record<string, unknown>>, work: () => Promise<Result>): Promise<Result>;
  /** At the end of an invocation: writes and sends what waits, within seconds. Never throws. */
  flush(): Promise<void>;
}

/** Longer than an exporter tries. */
const FLUSH_MS = 4_000;

/** Logs, metrics and traces as the environment says. What is wrong in it is a warning, and the app goes on without. */
export async function createTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { service, environment, clock, write = (line) => void process.stdout.write(line) } = options;
  const settings = parseTelemetrySettings(environment, service);
  const scopes = createScopes();
  const { level, yard } = settings;
  const logger = createJsonLogger({ service, level, clock, write, fields: () => toFields(scopes) });
  for (const fault of settings.faults) logger.warn(fault);
  const { tracer, meter, flush } = options.openTelemetry ?? (await findOpenTelemetry(settings, logger));
  const emf = settings.emf ? createEmfMetrics({ yard, service, clock, write }) : undefined;
  const exported = meter === undefined ? undefined : createOtelMetrics(meter, yard);
  const count: Count = (...measured) => {
    emf?.count(...measured);
    exported?.(...measured);
  };
  const spans = createSpans(scopes, tracer);
  const measure = createMeasureYard({ count, clock });
  async function flushAll(): Promise<void> {
    emf?.flush();
    if (flush !== undefined) await flushWithin({ clock, logger }, flush);
  }
  const deps: InstrumentDeps = { scopes, spans, count, clock };
  return {
    logger,
    count,
    tracing: createTracing(scopes, spans),
    instrumentEngine: (engine) => instrumentEngine(deps, engine),
    instrumentStore: (store) => instrumentStore(deps, store),
    instrumentExecutor: (executor) => instrumentExecutor(deps, executor),
    async measureYard(store) {
      // How it stands is told at once: in a container nothing else may end for hours.
      if (await measure(store)) emf?.flush();
    },
    async invoke(fields, work) {
      try {
        return await scopes.run({ fields }, work);
      } finally {
        await flushAll();
      }
    },
    flush: flushAll,
  };
}

async function findOpenTelemetry(settings: TelemetrySettings, logger: Logger): Promise<OpenTelemetry> {
  const found = findGlobalOpenTelemetry();
  if (found !== undefined) return found;
  if (settings.traces === undefined && settings.metrics === undefined) return {};
  try {
    return await openExporters(settings);
  } catch (error) {
    logger.warn("OpenTelemetry could not be set up; nothing is exported.", { error });
    return {};
  }
}

async function flushWithin(
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  flush: () => Promise<void>,
): Promise<void> {
  const done = new AbortController();
  try {
    await Promise.race([flush(), clock.sleep(FLUSH_MS, done.signal)]);
  } catch (error) {
    logger.warn("Traces or metrics could not be sent.", { error });
  } finally {
    done.abort();
  }
}

function toFields(scopes: Scopes): Readonly<Record<string, unknown>> {
  const { carrier, fields } = scopes.current();
  const { traceId, spanId } = toSpanContext(carrier) ?? {};
  return traceId === undefined ? fields : { traceId, spanId, ...fields };
}
