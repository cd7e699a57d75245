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

/** Trace context as it travels: W3C `traceparent`, and perhaps `tracestate`. https://www.w3.org/TR/trace-context/ */
export type TraceCarrier = Readonly<Record<string, string>>;

/** Nothing came along. */
export const NO_CARRIER: TraceCarrier = {};

/** A span to be. */
interface SpanInput {
  readonly name: string;
  readonly kind?: "internal" | "consumer";
  readonly attributes: Attributes;
  /** Default: what is under way. */
  readonly parent?: TraceCarrier;
  /** Others that it follows from. */
  readonly links?: readonly TraceCarrier[];
}

/** A span under way. */
export interface OpenSpan {
  readonly carrier: TraceCarrier;
  /** Undefined where nothing is exported: then the carrier is the parent's. */
  readonly span: Span | undefined;
}

/** Spans of one tracer. */
export interface Spans {
  /** Begins one. Who begins it ends it. */
  start(input: SpanInput): OpenSpan;
  /** Works under one, and ends it. */
  run<Result>(input: SpanInput, work: (open: OpenSpan) => Promise<Result>): Promise<Result>;
  /** What goes along with a message that is sent now. */
  inject(): TraceCarrier;
}

/** Creates spans within scopes. Without a tracer the received context is passed on unchanged. */
export function createSpans(scopes: Scopes, tracer: Tracer | undefined): Spans {
  function start({ name, kind = "internal", attributes, links = [], ...given }: SpanInput): OpenSpan {
    const parent = given.parent ?? scopes.current().carrier;
    if (tracer === undefined) return { carrier: parent, span: undefined };
    const options = { kind: KINDS[kind], attributes, links: links.flatMap(toLink) };
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
        // Whatever else in the process makes spans, such as an instrumented SDK, finds its parent here.
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

/** What an error is called; its text may hold what a trace must not. */
export function toErrorType(error: unknown): string {
  if (typeof error === "object" && error !== null && "code" in error && typeof error.code === "string")
    return error.code;
  return error instanceof Error ? error.name : "unknown";
}

function toLink(carrier: TraceCarrier): readonly Link[] {
  const found = toSpanContext(carrier);
  return found === undefined ? [] : [{ context: found }];
}

function toContext(parent: TraceCarrier): Context {
  const found = toSpanContext(parent);
  return found === undefined ? context.active() : trace.setSpanContext(context.active(), found);
}

/** How the decision of one event is followed. */
export interface DecidedEvent {
  readonly carrier: TraceCarrier;
  /** Undefined where nothing is exported. */
  readonly span: Span | undefined;
}

/** What is done now, for everything that is called meanwhile. */
export interface Scope {
  /** Of the span under way; where nothing is exported, what came along. */
  readonly carrier: TraceCarrier;
  /**
   * Gives what came along with the deliveries in hand, in their order, to the first who asks: who works something else under the
   * same messages later, such as what their commits have left behind, must not take it for theirs.
   */
  readonly takeCarriers: () => readonly TraceCarrier[];
  /** Events that are decided now, by id. */
  readonly events: ReadonlyMap<string, DecidedEvent>;
  /** Ids for the lines of the log. */
  readonly fields: Readonly<Record<string, unknown>>;
}

const NO_SCOPE: Scope = { carrier: NO_CARRIER, takeCarriers: () => [], events: new Map(), fields: {} };

/** Gives them once. */
export function toOnce(carriers: readonly TraceCarrier[]): Scope["takeCarriers"] {
  let left = carriers;
  return () => {
    const taken = left;
    left = [];
    return taken;
  };
}

/** Keeps what is done now apart for each chain of calls. */
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

/** A span's context as it travels. */
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
