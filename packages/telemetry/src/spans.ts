import { AsyncLocalStorage } from "node:async_hooks";
import {
  type Attributes,
  type Context,
  context,
  createTraceState,
  type Link,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { defined } from "@stackyard/core";

/** Trace context as it travels: W3C `traceparent`, and perhaps `tracestate`. https://www.w3.org/TR/trace-context/ */
export type TraceCarrier = Readonly<Record<string, string>>;

/** The carrier without a trace. */
export const NO_CARRIER: TraceCarrier = {};

/** A span to be. */
interface SpanInput {
  readonly name: string;
  readonly kind?: "internal" | "consumer";
  readonly attributes: Attributes;
  /** Default: the current one. */
  readonly parent?: TraceCarrier;
  /** Others that it follows from. */
  readonly links?: readonly TraceCarrier[];
}

/** A span under way. */
export interface OpenSpan {
  readonly carrier: TraceCarrier;
  /** The span; undefined without an exporter: then the carrier is the parent's. */
  readonly span: Span | undefined;
}

/** Spans of one tracer. */
export interface Spans {
  /** Begins one. Who begins it ends it. */
  start(input: SpanInput): OpenSpan;
  /** Works under one, and ends it. */
  run<Result>(input: SpanInput, work: (open: OpenSpan) => Promise<Result>): Promise<Result>;
  /** Returns the trace carrier for a message that is sent now. */
  inject(): TraceCarrier;
}

/** Creates spans within scopes. Without a tracer the received context is passed on unchanged. */
export function createSpans(scopes: Scopes, tracer: Tracer | undefined): Spans {
  function start({ name, kind = "internal", attributes, links = [], ...given }: SpanInput): OpenSpan {
    const parent = given.parent ?? scopes.current().carrier;
    if (tracer === undefined) return { carrier: parent, span: undefined };
    const options = { kind: KINDS[kind], attributes, links: links.flatMap(toLinks) };
    const span = tracer.startSpan(name, options, toContext(parent));
    return { span, carrier: toCarrier(span.spanContext()) };
  }
  return {
    start,
    async run(input, work) {
      const open = start(input);
      const { span, carrier } = open;
      const inScope = () => scopes.run({ carrier }, () => work(open));
      try {
        if (span === undefined) return await inScope();
        // Other span sources in the process, such as an instrumented SDK, find their parent here.
        return await context.with(trace.setSpan(context.active(), span), inScope);
      } catch (error) {
        span?.setStatus({ code: SpanStatusCode.ERROR });
        span?.setAttribute("error.type", toErrorType(error));
        throw error;
      } finally {
        span?.end();
      }
    },
    inject() {
      const { carrier } = scopes.current();
      if (carrier !== NO_CARRIER) return carrier;
      const active = trace.getSpanContext(context.active());
      return active === undefined ? NO_CARRIER : toCarrier(active);
    },
  };
}

const KINDS = { internal: SpanKind.INTERNAL, consumer: SpanKind.CONSUMER } as const;

/** Returns an error's code or name; its message may contain text that must not be in a trace. */
export function toErrorType(error: unknown): string {
  if (typeof error === "object" && error !== null && "code" in error && typeof error.code === "string")
    return error.code;
  return error instanceof Error ? error.name : "unknown";
}

/** Returns the link to a trace; none without one. */
export function toLinks(carrier: TraceCarrier): readonly Link[] {
  const found = toSpanContext(carrier);
  return found === undefined ? [] : [{ context: found }];
}

function toContext(parent: TraceCarrier): Context {
  const found = toSpanContext(parent);
  return found === undefined ? context.active() : trace.setSpanContext(context.active(), found);
}

/** The current work, for everything that is called meanwhile. */
export interface Scope {
  /** The carrier of the current span; without an exporter, the incoming carrier. */
  readonly carrier: TraceCarrier;
  /**
   * Returns the carriers of the current deliveries, in their order, only to the first caller: later work under the same
   * messages, such as leftovers of their commits, must not use them.
   */
  readonly takeCarriers: () => readonly TraceCarrier[];
  /** Events that are decided now, by id. */
  readonly events: ReadonlyMap<string, OpenSpan>;
  /** Ids for the lines of the log. */
  readonly fields: Readonly<Record<string, unknown>>;
}

const NO_SCOPE: Scope = { carrier: NO_CARRIER, takeCarriers: () => [], events: new Map(), fields: {} };

/** Returns them only once. */
export function toOnce(carriers: readonly TraceCarrier[]): Scope["takeCarriers"] {
  let left = carriers;
  return () => {
    const taken = left;
    left = [];
    return taken;
  };
}

/** Separates the current work of each chain of calls. */
export interface Scopes {
  current(): Scope;
  /** Changes it while the work is under way. */
  run<Result>(change: Partial<Scope>, work: () => Promise<Result>): Promise<Result>;
}

/** Scopes of one telemetry. */
export function createScopes(): Scopes {
  const storage = new AsyncLocalStorage<Scope>();
  const current = () => storage.getStore() ?? NO_SCOPE;
  return { current, run: (change, work) => storage.run({ ...current(), ...change }, work) };
}

/** Extracts the trace context from other values, such as the keys of a message. Ignores invalid values. */
export function findCarrier(values: Readonly<Record<string, unknown>>): TraceCarrier {
  const { traceparent, tracestate } = values;
  if (typeof traceparent !== "string" || toSpanContext({ traceparent }) === undefined) return NO_CARRIER;
  const hasState = typeof tracestate === "string" && TRACESTATE.test(tracestate);
  return hasState ? { traceparent, tracestate } : { traceparent };
}

/** Converts a span's context to a carrier. */
export function toCarrier({ traceId, spanId, traceFlags, traceState }: SpanContext): TraceCarrier {
  const traceparent = `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, "0")}`;
  const tracestate = traceState?.serialize() ?? "";
  return tracestate === "" ? { traceparent } : { traceparent, tracestate };
}

/** Parses a received trace context. Undefined if it is invalid. */
export function toSpanContext({ traceparent, tracestate }: TraceCarrier): SpanContext | undefined {
  const [, version, traceId, spanId, flags] = TRACEPARENT.exec(traceparent ?? "") ?? [];
  if (version === undefined || version === "ff" || traceId === undefined || spanId === undefined) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return defined({
    traceId,
    spanId,
    isRemote: true,
    traceFlags: Number.parseInt(flags ?? "00", 16) & 1,
    traceState: tracestate === undefined ? undefined : createTraceState(tracestate),
  });
}

// Printable characters only, as the standard has it: a queue refuses a message with others in an attribute.
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-[\x20-\x7e]{0,200})?$/;
const TRACESTATE = /^[\x20-\x7e]{1,512}$/;
