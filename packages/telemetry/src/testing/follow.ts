import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { createFakeClock, type FakeClock } from "@stackyard/core/testing";
import type { InstrumentDeps } from "../instrument.ts";
import type { Dimensions, MetricName } from "../metrics.ts";
import { createScopes, createSpans } from "../spans.ts";

/** The dependencies of telemetry's parts, with spans and measured values in memory. */
export interface Follow extends InstrumentDeps {
  readonly clock: FakeClock;
  /** Spans that have ended, in the order of their ends. */
  spansByName(): Readonly<Record<string, readonly ReadableSpan[]>>;
  /** `name value dimension=…`, in order. */
  readonly measured: readonly string[];
}

/** Creates a tracer that keeps its spans in memory. */
export function createMemoryTracer() {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  return { tracer: provider.getTracer("test"), spans: () => exporter.getFinishedSpans() };
}

/** Creates them with a tracer, unless `isTraced` is false. */
export function createFollow({ isTraced = true }: { readonly isTraced?: boolean } = {}): Follow {
  const { tracer, spans: finished } = createMemoryTracer();
  const scopes = createScopes();
  const measured: string[] = [];
  return {
    scopes,
    spans: createSpans(scopes, isTraced ? tracer : undefined),
    clock: createFakeClock(),
    measured,
    count(name: MetricName, value: number, dimensions: Dimensions = {}) {
      measured.push([name, value, ...Object.entries(dimensions).map((pair) => pair.join("="))].join(" "));
    },
    spansByName() {
      const groups = Map.groupBy(finished(), ({ name }) => name);
      return Object.fromEntries(groups);
    },
  };
}
