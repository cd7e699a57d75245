import {
  type Attributes,
  type Context,
  context,
  type Link,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { Scopes } from "./scope.ts";
import { NO_CARRIER, type TraceCarrier, toCarrier, toSpanContext } from "./trace-context.ts";

/** A span to be. */
export interface SpanInput {
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

/** Spans under scopes. Without a tracer what came along goes on as it is. */
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
