import { randomUUID } from "node:crypto";
import type { Meter, Tracer } from "@opentelemetry/api";
import { type LogLevel, toLogLevel } from "./json-logger.ts";

/** Environment variables by name. */
export type EnvironmentVariables = Readonly<Record<string, string | undefined>>;

/** Where one signal is sent. */
interface ExportSettings {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Which traces are kept. */
interface SamplerSettings {
  readonly kind: "always_on" | "always_off" | "traceidratio";
  readonly ratio: number;
  /** What the sender has decided counts. */
  readonly isParentBased: boolean;
}

/** What the environment says about telemetry. */
export interface TelemetrySettings {
  readonly level: LogLevel;
  readonly yard: string;
  readonly service: string;
  /** Metrics are written as lines of CloudWatch's embedded metric format. */
  readonly emf: boolean;
  readonly traces: ExportSettings | undefined;
  readonly metrics: ExportSettings | undefined;
  readonly sampler: SamplerSettings;
  /** Attributes of all that is exported. */
  readonly resource: Readonly<Record<string, string>>;
  /** What could not be followed, for the log. */
  readonly faults: readonly string[];
}

/**
 * Reads them. Nothing here makes an app fail: what is wrong is a sentence in `faults`. The names are OpenTelemetry's:
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ and
 * https://opentelemetry.io/docs/specs/otel/protocol/exporter/
 */
export function parseTelemetrySettings(environment: EnvironmentVariables, service: string): TelemetrySettings {
  const faults: string[] = [];
  const isOn = environment["OTEL_SDK_DISABLED"]?.toLowerCase() !== "true";
  const find = (signal: Signal) => (isOn ? findExport(environment, signal, faults) : undefined);
  const protocol = environment["OTEL_EXPORTER_OTLP_PROTOCOL"];
  const [traces, metrics] = [find("traces"), find("metrics")];
  if ((traces ?? metrics) !== undefined && protocol !== undefined && protocol !== "" && !protocol.startsWith("http/")) {
    faults.push(
      `OTEL_EXPORTER_OTLP_PROTOCOL is ${protocol}; this sends JSON over HTTP, to port 4318 of most collectors.`,
    );
  }
  return {
    level: toLogLevel(environment["LOG_LEVEL"]),
    yard: environment["YARD_NAME"] || "main",
    service: environment["OTEL_SERVICE_NAME"] || service,
    emf: toEmf(environment),
    traces,
    metrics,
    faults,
    sampler: toSampler(environment, faults),
    resource: parsePairs(environment["OTEL_RESOURCE_ATTRIBUTES"]),
  };
}

type Signal = "traces" | "metrics";

function findExport(environment: EnvironmentVariables, signal: Signal, faults: string[]): ExportSettings | undefined {
  const name = signal.toUpperCase();
  if (environment[`OTEL_${name}_EXPORTER`] === "none") return undefined;
  const own = environment[`OTEL_EXPORTER_OTLP_${name}_ENDPOINT`];
  const base = environment["OTEL_EXPORTER_OTLP_ENDPOINT"];
  // The path is added to the common address only, as OpenTelemetry has it.
  const url = own || (base ? `${base.replace(/\/+$/, "")}/v1/${signal}` : "");
  if (url === "") return undefined;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    faults.push(`OTEL_EXPORTER_OTLP_ENDPOINT must be an address such as http://localhost:4318; no ${signal} are sent.`);
    return undefined;
  }
  const headers = environment[`OTEL_EXPORTER_OTLP_${name}_HEADERS`] || environment["OTEL_EXPORTER_OTLP_HEADERS"];
  return { url, headers: parsePairs(headers) };
}

/** CloudWatch Logs reads what functions and tasks of ECS write; at a terminal such lines would only disturb. */
function toEmf(environment: EnvironmentVariables): boolean {
  const asked = environment["EMF_METRICS"];
  if (asked === "true" || asked === "false") return asked === "true";
  return ["AWS_LAMBDA_FUNCTION_NAME", "ECS_CONTAINER_METADATA_URI_V4"].some((name) => Boolean(environment[name]));
}

function toSampler(environment: EnvironmentVariables, faults: string[]): SamplerSettings {
  const name = environment["OTEL_TRACES_SAMPLER"] || "parentbased_always_on";
  const isParentBased = name.startsWith("parentbased_");
  const kind = KINDS.find((each) => each === name.replace("parentbased_", ""));
  if (kind === undefined) faults.push(`OTEL_TRACES_SAMPLER is ${name}, which is not known; all traces are kept.`);
  const ratio = Number(environment["OTEL_TRACES_SAMPLER_ARG"] || "1");
  const isRatio = ratio >= 0 && ratio <= 1;
  if (!isRatio) faults.push("OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1; all traces are kept.");
  return { kind: kind ?? "always_on", ratio: isRatio ? ratio : 1, isParentBased: kind === undefined || isParentBased };
}

const KINDS = ["always_on", "always_off", "traceidratio"] as const;

/** `a=1,b=2`, percent-encoded. Invalid pairs are ignored. */
function parsePairs(text = ""): Readonly<Record<string, string>> {
  const pairs = text.split(",").flatMap((pair) => {
    const [name = "", ...rest] = pair.split("=");
    return name.trim() === "" || rest.length === 0 ? [] : [[name.trim(), toDecoded(rest.join("=").trim())] as const];
  });
  return Object.fromEntries(pairs);
}

function toDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Who takes spans and metrics. */
export interface OpenTelemetry {
  readonly tracer?: Tracer | undefined;
  readonly meter?: Meter | undefined;
  /** Sends what waits. */
  readonly flush?: () => Promise<void>;
}

/** Who makes spans, as traces name it. */
export const INSTRUMENTATION = "stackyard";

const METRICS_EVERY_MS = 60_000;
/** A collector that does not answer must not hold up the end of an invocation. */
const TIMEOUT_MS = 3_000;

/** Opens exporters over OTLP/HTTP. The SDK is loaded only here, so without an address it costs no start-up time. */
export async function openExporters(settings: TelemetrySettings): Promise<OpenTelemetry> {
  const { resourceFromAttributes } = await import("@opentelemetry/resources");
  const resource = resourceFromAttributes({
    "service.name": settings.service,
    "service.namespace": "stackyard",
    // Copies of an app count for themselves; their sums are made by who reads them.
    "service.instance.id": randomUUID(),
    "stackyard.yard": settings.yard,
    ...settings.resource,
  });
  const [traces, metrics] = await Promise.all([
    settings.traces && openTraces(settings.traces, settings.sampler, resource),
    settings.metrics && openMetrics(settings.metrics, resource),
  ]);
  return {
    tracer: traces?.getTracer(INSTRUMENTATION),
    meter: metrics?.getMeter(INSTRUMENTATION),
    flush: async () => void (await Promise.all([traces?.forceFlush(), metrics?.forceFlush()])),
  };
}

type Resource = ReturnType<typeof import("@opentelemetry/resources").resourceFromAttributes>;

async function openTraces(
  { url, headers }: NonNullable<TelemetrySettings["traces"]>,
  sampler: SamplerSettings,
  resource: Resource,
) {
  const [sdk, { OTLPTraceExporter }] = await Promise.all([
    import("@opentelemetry/sdk-trace"),
    import("@opentelemetry/exporter-trace-otlp-http"),
  ]);
  const exporter = new OTLPTraceExporter({ url, headers: { ...headers }, timeoutMillis: TIMEOUT_MS });
  return new sdk.TracerProvider({
    resource,
    sampler: await toSamplerOpenExporters(sampler),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter, exportTimeoutMillis: TIMEOUT_MS })],
  });
}

async function toSamplerOpenExporters({ kind, ratio, isParentBased }: SamplerSettings) {
  const sdk = await import("@opentelemetry/sdk-trace");
  const roots = {
    always_on: () => new sdk.AlwaysOnSampler(),
    always_off: () => new sdk.AlwaysOffSampler(),
    traceidratio: () => new sdk.TraceIdRatioBasedSampler(ratio),
  };
  const root = roots[kind]();
  return isParentBased ? new sdk.ParentBasedSampler({ root }) : root;
}

async function openMetrics({ url, headers }: NonNullable<TelemetrySettings["metrics"]>, resource: Resource) {
  const [{ MeterProvider, PeriodicExportingMetricReader }, { OTLPMetricExporter }] = await Promise.all([
    import("@opentelemetry/sdk-metrics"),
    import("@opentelemetry/exporter-metrics-otlp-http"),
  ]);
  const exporter = new OTLPMetricExporter({ url, headers: { ...headers }, timeoutMillis: TIMEOUT_MS });
  const options = { exporter, exportIntervalMillis: METRICS_EVERY_MS, exportTimeoutMillis: TIMEOUT_MS };
  return new MeterProvider({ resource, readers: [new PeriodicExportingMetricReader(options)] });
}
