/** Trace context that travels with a message: W3C `traceparent`, and perhaps `tracestate`. */
export type TraceCarrier = Readonly<Record<string, string>>;

/** How spans follow messages; an adapter of OpenTelemetry in the apps. */
export interface Tracing {
  /** What goes along with a message that is sent now. */
  inject(): TraceCarrier;
  /** Works deliveries under what came along with them, in their order. */
  run<Result>(carriers: readonly TraceCarrier[], work: () => Promise<Result>): Promise<Result>;
}

/** Nothing follows messages. */
export const noTracing: Tracing = { inject: () => ({}), run: (_carriers, work) => work() };

/** The trace context in the attributes of a message; others' texts are left out. https://www.w3.org/TR/trace-context/ */
export function findCarrier(attributes: Readonly<Record<string, string>>): TraceCarrier {
  const { traceparent, tracestate } = attributes;
  if (traceparent === undefined || !TRACEPARENT.test(traceparent)) return {};
  return tracestate !== undefined && TRACESTATE.test(tracestate) ? { traceparent, tracestate } : { traceparent };
}

/** The trace context of what is done now, as attributes. */
export function toTraceAttributes(tracing: Tracing): TraceCarrier {
  return findCarrier(tracing.inject());
}

// Printable characters only, as the standard has it: a queue refuses a message with others in an attribute, or an empty one.
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-[\x20-\x7e]{0,200})?$/;
const TRACESTATE = /^[\x20-\x7e]{1,512}$/;
