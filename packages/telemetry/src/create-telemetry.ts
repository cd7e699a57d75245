import { metrics, ProxyTracerProvider, trace } from "@opentelemetry/api";
import type { Clock, Executor, Logger } from "@stackyard/core";
import { within } from "@stackyard/core";
import type { EnvironmentVariables } from "@stackyard/core/environment";
import {
  type EngineLike,
  type InstrumentDeps,
  instrumentEngine,
  instrumentExecutor,
  instrumentStore,
  type StoreLike,
} from "./instrument.ts";
import { createJsonLogger } from "./json-logger.ts";
import { type Count, createEmfMetrics, createOtelMetrics, type Dimensions } from "./metrics.ts";
import {
  createScopes,
  createSpans,
  findCarrier,
  NO_CARRIER,
  type Scopes,
  type Spans,
  type TraceCarrier,
  toOnce,
  toSpanContext,
} from "./spans.ts";
import {
  INSTRUMENTATION,
  type OpenTelemetry,
  openExporters,
  parseTelemetrySettings,
  type TelemetrySettings,
} from "./telemetry-settings.ts";
import { loadYardSamples, type MeasuredStore } from "./yard-samples.ts";

/** The options of telemetry. */
export interface TelemetryOptions {
  /** The app, such as `state-manager`. */
  readonly service: string;
  readonly environment: EnvironmentVariables;
  readonly clock: Clock;
  /** Takes one line of the log with its end. Default: standard output. */
  readonly write?: (line: string) => void;
  /** Receives log messages. Default: JSON lines. */
  readonly logger?: Logger;
  /** Also counts each measured value, such as for `/metrics`. */
  readonly alsoCount?: Count;
  /** Receives spans and metrics. Default: the process's global OpenTelemetry, otherwise the environment's exporters. */
  readonly openTelemetry?: OpenTelemetry;
}

/** Logs, metrics and traces of an app. */
export interface Telemetry {
  /** JSON lines, at the level of `LOG_LEVEL`, with the ids of the trace. */
  readonly logger: Logger;
  readonly tracing: Tracing;
  /** Follows an engine's decisions. */
  instrumentEngine<E extends EngineLike>(engine: E): E;
  /** Traces the commits of an engine or a worker, and stores the trace with them. */
  instrumentStore<S extends StoreLike>(store: S): S;
  /** Follows an executor's calls. */
  instrumentExecutor(executor: Executor): Executor;
  readonly count: Count;
  /** Measures how many stacks are in which state and what is waiting, at most every five minutes. */
  measureYard(store: MeasuredStore): Promise<void>;
  /**
   * Runs one invocation: adds the fields (its id) to each log line, and flushes metrics and spans at the end. A failed
   * flush is not a failure of the invocation.
   */
  invoke<Result>(fields: Readonly<Record<string, unknown>>, work: () => Promise<Result>): Promise<Result>;
  /** Writes and sends buffered data at the end of an invocation, within seconds. Never throws. */
  flush(): Promise<void>;
}

/** Longer than an exporter tries. */
const FLUSH_MS = 4_000;

/** Creates logs, metrics and traces from the environment. Invalid settings are logged as warnings and ignored. */
export async function createTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { service, environment, clock, write = (line) => void process.stdout.write(line) } = options;
  const settings = parseTelemetrySettings(environment, service);
  const scopes = createScopes();
  const { level, yard } = settings;
  const fields = () => toFields(scopes);
  const logger = options.logger ?? createJsonLogger({ service, level, clock, write, fields });
  for (const fault of settings.faults) logger.warn(fault);
  const { tracer, meter, flush } = options.openTelemetry ?? (await findOpenTelemetry(settings, logger));
  const emf = settings.emf ? createEmfMetrics({ yard, service, clock, write }) : undefined;
  const exported = meter === undefined ? undefined : createOtelMetrics(meter, yard);
  const count: Count = (...measured) => {
    emf?.count(...measured);
    exported?.(...measured);
    options.alsoCount?.(...measured);
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
      // Flushes now: in a container no invocation may end for hours.
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
  try {
    await within(flush(), { clock, ms: FLUSH_MS, late: () => undefined });
  } catch (error) {
    logger.warn("Traces or metrics could not be sent.", { error });
  }
}

function toFields(scopes: Scopes): Readonly<Record<string, unknown>> {
  const { carrier, fields } = scopes.current();
  const { traceId, spanId } = toSpanContext(carrier) ?? {};
  return traceId === undefined ? fields : { traceId, spanId, ...fields };
}

/** The port by which spans follow messages, in the format of transports. */
export interface Tracing {
  /** Returns the trace carrier for a message that is sent now. */
  inject(): TraceCarrier;
  /** Works deliveries under what came along with them, in their order. */
  run<Result>(carriers: readonly TraceCarrier[], work: () => Promise<Result>): Promise<Result>;
}

/**
 * Creates tracing. One message is processed as a part of its sender's trace; several together in a new trace that is
 * linked with each, and the work for each one alone goes into its own.
 */
export function createTracing(scopes: Scopes, spans: Spans): Tracing {
  return {
    inject: () => spans.inject(),
    run(carriers, work) {
      const found = carriers.map(findCarrier);
      const [only = NO_CARRIER, ...more] = found;
      const isOne = more.length === 0;
      const input = {
        name: "process",
        kind: "consumer",
        attributes: { "messaging.operation.type": "process", "messaging.batch.message_count": carriers.length },
        parent: isOne ? only : NO_CARRIER,
        links: isOne ? [] : found,
      } as const;
      return spans.run(input, ({ carrier }) => scopes.run({ takeCarriers: toOnce(isOne ? [carrier] : found) }, work));
    },
  };
}

/**
 * Finds the OpenTelemetry that the process has already set up, such as the Lambda layer of AWS Distro for OpenTelemetry.
 * Returns undefined if the process has not set it up.
 */
export function findGlobalOpenTelemetry(): OpenTelemetry | undefined {
  const provider = trace.getTracerProvider();
  const isNobodys =
    provider instanceof ProxyTracerProvider && provider.getDelegateTracer(INSTRUMENTATION) === undefined;
  if (isNobodys) return undefined;
  return { tracer: provider.getTracer(INSTRUMENTATION), meter: metrics.getMeter(INSTRUMENTATION) };
}

/** Measures a yard, at most once in five minutes; returns false if not now. */
type MeasureYard = (store: MeasuredStore) => Promise<boolean>;

/** In DynamoDB each look reads the whole table several times, which is paid for. */
const EVERY_MS = 300_000;

/** Creates the measure of one process. Several processes measure the same, each in its turn. */
export function createMeasureYard({ count, clock }: { readonly count: Count; readonly clock: Clock }): MeasureYard {
  let measuredIn = Number.NaN;
  let told = new Map<string, Dimensions>();
  return async (store) => {
    const slot = Math.floor(clock.now() / EVERY_MS);
    if (slot === measuredIn) return false;
    const samples = await loadYardSamples(store, clock.now());
    const states = samples.filter(({ name }) => name === "stacks").map(({ dimensions }) => dimensions);
    const present = new Map(states.map((dimensions) => [JSON.stringify(dimensions), dimensions]));
    // A state that the last stack has left would otherwise keep its last value.
    for (const [key, dimensions] of told) if (!present.has(key)) count("stacks", 0, dimensions);
    told = present;
    for (const { name, value, dimensions } of samples) count(name, value, dimensions);
    measuredIn = slot;
    return true;
  };
}
