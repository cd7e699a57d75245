import { metrics, ProxyTracerProvider, trace } from "@opentelemetry/api";
import { INSTRUMENTATION, type OpenTelemetry } from "./open-exporters.ts";

/**
 * What somebody else in the process has set up, such as the Lambda layer of AWS Distro for OpenTelemetry: then spans go there.
 * Undefined where nobody has.
 */
export function findGlobalOpenTelemetry(): OpenTelemetry | undefined {
  const provider = trace.getTracerProvider();
  const isNobodys =
    provider instanceof ProxyTracerProvider && provider.getDelegateTracer(INSTRUMENTATION) === undefined;
  if (isNobodys) return undefined;
  return { tracer: provider.getTracer(INSTRUMENTATION), meter: metrics.getMeter(INSTRUMENTATION) };
}
