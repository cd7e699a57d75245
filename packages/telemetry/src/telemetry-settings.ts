import { randomUUID } from "node:crypto";
import type { Meter, Tracer } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import { trimEndOf } from "@stackyard/core";
import { type EnvironmentVariables, readEnvironment, SharedVariables } from "@stackyard/core/environment";
import { type Static, Type } from "typebox";
import type { LogLevel } from "./json-logger.ts";

const TEXT = { maxLength: 16_384 };

function address(description: string) {
  const form = { pattern: "^[Hh][Tt][Tt][Pp][Ss]?://[^\\s/]+", maxLength: 2_048 };
  return Type.Optional(Type.String({ ...form, description, expected: "an address such as http://localhost:4318" }));
}

function optionalText(description: string) {
  return Type.Optional(Type.String({ ...TEXT, description }));
}

/**
 * The variables of traces, metrics and logs. Most names are OpenTelemetry's:
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ and
 * https://opentelemetry.io/docs/specs/otel/protocol/exporter/
 */
export const TelemetryVariables = Type.Object({
  OTEL_EXPORTER_OTLP_ENDPOINT: address("The address of the collector, such as `http://localhost:4318`"),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: address("The whole address for traces. Default: `/v1/traces` of the collector"),
  OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: address(
    "The whole address for metrics. Default: `/v1/metrics` of the collector",
  ),
  OTEL_EXPORTER_OTLP_HEADERS: Type.String({
    ...TEXT,
    description: "Headers for the collector, such as `x-api-key=…`, with commas between them",
    default: "",
  }),
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: optionalText("Headers for traces, instead of the common ones"),
  OTEL_EXPORTER_OTLP_METRICS_HEADERS: optionalText("Headers for metrics, instead of the common ones"),
  OTEL_EXPORTER_OTLP_PROTOCOL: Type.String({
    ...TEXT,
    description: "Must begin with `http/`; JSON is sent over HTTP",
    default: "http/json",
  }),
  OTEL_TRACES_EXPORTER: optionalText("`none` sends no traces"),
  OTEL_METRICS_EXPORTER: optionalText("`none` sends no metrics"),
  OTEL_TRACES_SAMPLER: Type.Enum(
    [
      ...["always_on", "always_off", "traceidratio"],
      ...["parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"],
    ],
    {
      description:
        "Which traces are kept: `always_on`, `always_off` or `traceidratio`, each also with the prefix `parentbased_`",
      default: "parentbased_always_on",
    },
  ),
  OTEL_TRACES_SAMPLER_ARG: Type.Number({
    description: "The share of traces that `traceidratio` keeps, from 0 to 1",
    minimum: 0,
    maximum: 1,
    default: 1,
  }),
  OTEL_SERVICE_NAME: optionalText("The name of the service. Default: the app's"),
  OTEL_RESOURCE_ATTRIBUTES: Type.String({
    ...TEXT,
    description:
      "Attributes of everything that is sent, such as `deployment.environment=test`, with commas between them",
    default: "",
  }),
  OTEL_SDK_DISABLED: optionalText("`true` exports nothing"),
  LOG_LEVEL: SharedVariables.properties.LOG_LEVEL,
  YARD_NAME: SharedVariables.properties.YARD_NAME,
  EMF_METRICS: Type.Optional(
    Type.Boolean({
      description:
        "`true` writes metrics to the log in CloudWatch's embedded metric format. Default: `true` in Lambda and ECS, otherwise `false`",
    }),
  ),
});
type TelemetryVariables = Static<typeof TelemetryVariables>;

/** Where one signal is sent. */
interface ExportSettings {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Which traces to sample. */
interface SamplerSettings {
  readonly kind: "always_on" | "always_off" | "traceidratio";
  readonly ratio: number;
  /** True to follow the sender's decision. */
  readonly isParentBased: boolean;
}

/** The telemetry settings of the environment. */
export interface TelemetrySettings {
  readonly level: LogLevel;
  readonly yard: string;
  readonly service: string;
  /** True to write metrics as lines of CloudWatch's embedded metric format. */
  readonly emf: boolean;
  readonly traces: ExportSettings | undefined;
  readonly metrics: ExportSettings | undefined;
  readonly sampler: SamplerSettings;
  /** Attributes of all that is exported. */
  readonly resource: Readonly<Record<string, string>>;
  /** The settings that could not be followed, for the log. */
  readonly faults: readonly string[];
}

/** Reads the settings. An invalid one does not stop an app: it is ignored, and `faults` has a sentence about it. */
export function parseTelemetrySettings(environment: EnvironmentVariables, service: string): TelemetrySettings {
  const { values, faults } = readEnvironment(TelemetryVariables, environment);
  const isOn = values.OTEL_SDK_DISABLED?.toLowerCase() !== "true";
  const traces = isOn ? findExport(values, "TRACES") : undefined;
  const metrics = isOn ? findExport(values, "METRICS") : undefined;
  const protocol = values.OTEL_EXPORTER_OTLP_PROTOCOL;
  const isUnsupported = (traces ?? metrics) !== undefined && !protocol.startsWith("http/");
  return {
    level: values.LOG_LEVEL,
    yard: values.YARD_NAME,
    service: values.OTEL_SERVICE_NAME ?? service,
    emf: values.EMF_METRICS ?? isReadByCloudWatch(environment),
    traces,
    metrics,
    faults: [
      ...faults.map((fault) => `${fault} It is ignored.`),
      ...(isUnsupported
        ? [`OTEL_EXPORTER_OTLP_PROTOCOL is ${protocol}; this sends JSON over HTTP, to port 4318 of most collectors.`]
        : []),
    ],
    sampler: toSampler(values),
    resource: parsePairs(values.OTEL_RESOURCE_ATTRIBUTES),
  };
}

function findExport(values: TelemetryVariables, signal: "TRACES" | "METRICS"): ExportSettings | undefined {
  if (values[`OTEL_${signal}_EXPORTER`] === "none") return undefined;
  const endpoint = values.OTEL_EXPORTER_OTLP_ENDPOINT;
  const base = endpoint === undefined ? undefined : trimEndOf(endpoint, "/");
  // The path is added to the common address only, as OpenTelemetry has it.
  const common = base === undefined ? undefined : `${base}/v1/${signal.toLowerCase()}`;
  const url = values[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`] ?? common;
  if (url === undefined) return undefined;
  const headers = values[`OTEL_EXPORTER_OTLP_${signal}_HEADERS`] ?? values.OTEL_EXPORTER_OTLP_HEADERS;
  return { url, headers: parsePairs(headers) };
}

/**
 * Returns true if CloudWatch Logs reads the output, as for functions and ECS tasks; at a terminal such lines are noise.
 */
function isReadByCloudWatch(environment: EnvironmentVariables): boolean {
  return ["AWS_LAMBDA_FUNCTION_NAME", "ECS_CONTAINER_METADATA_URI_V4"].some((name) => Boolean(environment[name]));
}

function toSampler(values: TelemetryVariables): SamplerSettings {
  const [, prefix, kind = ""] = /^(parentbased_)?(.*)$/.exec(values.OTEL_TRACES_SAMPLER) ?? [];
  return {
    kind: KINDS.find((each) => each === kind) ?? "always_on",
    ratio: values.OTEL_TRACES_SAMPLER_ARG,
    isParentBased: prefix !== undefined,
  };
}

const KINDS = ["always_on", "always_off", "traceidratio"] as const;

/** Parses `a=1,b=2`, percent-encoded. Ignores invalid pairs. */
function parsePairs(text: string): Readonly<Record<string, string>> {
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
/** A collector that does not answer must not delay the end of an invocation. */
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

async function openTraces({ url, headers }: ExportSettings, sampler: SamplerSettings, resource: Resource) {
  const [sdk, { OTLPTraceExporter }] = await Promise.all([
    import("@opentelemetry/sdk-trace"),
    import("@opentelemetry/exporter-trace-otlp-http"),
  ]);
  const exporter = new OTLPTraceExporter({ url, headers: { ...headers }, timeoutMillis: TIMEOUT_MS });
  return new sdk.TracerProvider({
    resource,
    sampler: createSampler(sdk, sampler),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter, exportTimeoutMillis: TIMEOUT_MS })],
  });
}

function createSampler(
  sdk: typeof import("@opentelemetry/sdk-trace"),
  { kind, ratio, isParentBased }: SamplerSettings,
) {
  const roots = {
    always_on: () => new sdk.AlwaysOnSampler(),
    always_off: () => new sdk.AlwaysOffSampler(),
    traceidratio: () => new sdk.TraceIdRatioBasedSampler(ratio),
  };
  const root = roots[kind]();
  return isParentBased ? new sdk.ParentBasedSampler({ root }) : root;
}

async function openMetrics({ url, headers }: ExportSettings, resource: Resource) {
  const [{ MeterProvider, PeriodicExportingMetricReader }, { OTLPMetricExporter }] = await Promise.all([
    import("@opentelemetry/sdk-metrics"),
    import("@opentelemetry/exporter-metrics-otlp-http"),
  ]);
  const exporter = new OTLPMetricExporter({ url, headers: { ...headers }, timeoutMillis: TIMEOUT_MS });
  const options = { exporter, exportIntervalMillis: METRICS_EVERY_MS, exportTimeoutMillis: TIMEOUT_MS };
  return new MeterProvider({ resource, readers: [new PeriodicExportingMetricReader(options)] });
}
