import type { TraceContext } from "./sender-options.ts";

/** Trace context as attributes of an entry; nothing where nothing is traced. */
export function toAttributes(trace: TraceContext | undefined): {
  readonly MessageAttributes?: Record<string, { DataType: "String"; StringValue: string }>;
} {
  if (trace === undefined) return {};
  const { traceparent, tracestate } = trace;
  const attributes = { traceparent, ...(tracestate === undefined || tracestate === "" ? {} : { tracestate }) };
  const entries = Object.entries(attributes).map(([name, StringValue]) => {
    return [name, { DataType: "String" as const, StringValue }] as const;
  });
  return { MessageAttributes: Object.fromEntries(entries) };
}
