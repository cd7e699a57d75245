import { randomUUID } from "node:crypto";
import type { Meter, Tracer } from "@opentelemetry/api";
import type { SamplerSettings, TelemetrySettings } from "./telemetry-settings.ts";

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

/** Opens exporters over OTLP/HTTP. The SDK is loaded here and nowhere else: without an address nobody waits for it. */
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
    sampler: await toSampler(sampler),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter, exportTimeoutMillis: TIMEOUT_MS })],
  });
}

async function toSampler({ kind, ratio, isParentBased }: SamplerSettings) {
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
