import { createTraceState, type SpanContext } from "@opentelemetry/api";

/** Trace context as it travels: W3C `traceparent`, and perhaps `tracestate`. https://www.w3.org/TR/trace-context/ */
export type TraceCarrier = Readonly<Record<string, string>>;

/** Nothing came along. */
export const NO_CARRIER: TraceCarrier = {};

/** The trace context among other values, such as the keys of a message; what is none is left out. */
export function findCarrier(values: Readonly<Record<string, unknown>>): TraceCarrier {
  const { traceparent, tracestate } = values;
  if (typeof traceparent !== "string" || toSpanContext({ traceparent }) === undefined) return NO_CARRIER;
  const hasState = typeof tracestate === "string" && TRACESTATE.test(tracestate);
  return hasState ? { traceparent, tracestate } : { traceparent };
}

/** A span's context as it travels. */
export function toCarrier({ traceId, spanId, traceFlags, traceState }: SpanContext): TraceCarrier {
  const traceparent = `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, "0")}`;
  const tracestate = traceState?.serialize() ?? "";
  return tracestate === "" ? { traceparent } : { traceparent, tracestate };
}

/** What came along as the context of a span elsewhere; undefined for what is none. */
export function toSpanContext({ traceparent, tracestate }: TraceCarrier): SpanContext | undefined {
  const [, version, traceId, spanId, flags] = TRACEPARENT.exec(traceparent ?? "") ?? [];
  if (version === undefined || version === "ff" || traceId === undefined || spanId === undefined) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return {
    traceId,
    spanId,
    isRemote: true,
    traceFlags: Number.parseInt(flags ?? "00", 16) & 1,
    ...(tracestate === undefined ? {} : { traceState: createTraceState(tracestate) }),
  };
}

// Printable characters only, as the standard has it: a queue refuses a message with others in an attribute.
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-[\x20-\x7e]{0,200})?$/;
const TRACESTATE = /^[\x20-\x7e]{1,512}$/;
