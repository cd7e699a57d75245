import { type Link, SpanStatusCode } from "@opentelemetry/api";
import type { Clock } from "@stackyard/core";
import type { createEngine } from "@stackyard/core/engine";
import type { Count } from "./metric-sink.ts";
import type { DecidedEvent, Scope, Scopes } from "./scope.ts";
import type { OpenSpan, Spans } from "./spans.ts";
import { findCarrier, NO_CARRIER, type TraceCarrier, toSpanContext } from "./trace-context.ts";

type Engine = ReturnType<typeof createEngine>;
type Delivery = Parameters<Engine["handle"]>[0][number];
type Outcome = Awaited<ReturnType<Engine["handle"]>>[number];

/** What is followed of an engine. */
export type EngineLike = Pick<Engine, "handle">;

/** What following needs. */
export interface InstrumentDeps {
  readonly scopes: Scopes;
  readonly spans: Spans;
  readonly count: Count;
  readonly clock: Clock;
}

/**
 * An engine whose decisions are spans, each in the trace of its own event, also where one commit decides many. What the commits
 * do is told by the store; see `instrumentStore`.
 */
export function instrumentEngine<E extends EngineLike>(deps: InstrumentDeps, engine: E): E {
  return { ...engine, handle: (deliveries: readonly Delivery[]) => handle(deps, engine, deliveries) };
}

async function handle(
  deps: InstrumentDeps,
  engine: EngineLike,
  deliveries: readonly Delivery[],
): Promise<readonly Outcome[]> {
  const { scopes, count, clock } = deps;
  const now = clock.now();
  for (const { event, deliveries: times } of deliveries) {
    if (times === 1) count("event_age_seconds", Math.max(0, now - event.receivedAt) / 1_000);
  }
  const open = startSpans(deps, deliveries);
  try {
    const outcomes = await scopes.run(toScope(scopes.current(), deliveries, open), () => engine.handle(deliveries));
    for (const [index, { span }] of open.entries())
      span?.setAttribute("stackyard.delivery", outcomes[index]?.kind ?? "");
    return outcomes;
  } catch (error) {
    for (const { span } of open) span?.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    for (const { span } of open) span?.end();
  }
}

function startSpans({ scopes, spans }: InstrumentDeps, deliveries: readonly Delivery[]): readonly OpenSpan[] {
  const { takeCarriers, carrier: batch } = scopes.current();
  const carriers = takeCarriers();
  const isOfDeliveries = carriers.length === deliveries.length;
  return deliveries.map((delivery, index) => {
    const own = isOfDeliveries ? (carriers[index] ?? NO_CARRIER) : NO_CARRIER;
    // Events of the store's own queue have no attributes: there the body has the trace.
    const parent = own === NO_CARRIER ? findCarrier(delivery.event.message) : own;
    const attributes = {
      "stackyard.stack.id": delivery.event.stackId,
      "stackyard.event.id": delivery.event.id,
      "stackyard.event": toEventName(delivery),
    };
    const { span, carrier } = spans.start({ name: `decide ${toEventName(delivery)}`, attributes, parent });
    if (deliveries.length > 1) for (const link of toLinks(batch)) span?.addLink(link);
    return { span, carrier };
  });
}

function toScope(outer: Scope, deliveries: readonly Delivery[], open: readonly OpenSpan[]): Partial<Scope> {
  const events = new Map<string, DecidedEvent>();
  for (const [index, { event }] of deliveries.entries()) {
    const { span, carrier } = open[index] ?? { span: undefined, carrier: NO_CARRIER };
    events.set(event.id, { span, carrier });
  }
  const [only, ...more] = deliveries;
  if (only === undefined || more.length > 0) return { events };
  const fields = { ...outer.fields, stackId: only.event.stackId, eventId: only.event.id };
  return { events, fields, carrier: open[0]?.carrier ?? outer.carrier };
}

/** Names of events are words of machines; anything else would make names of spans without end. */
function toEventName({ event: { message } }: Delivery): string {
  const name = message["event"] ?? message["action"];
  return typeof name === "string" && /^[\w.:-]{1,64}$/.test(name) ? name : "event";
}

function toLinks(carrier: TraceCarrier): readonly Link[] {
  const context = toSpanContext(carrier);
  return context === undefined ? [] : [{ context }];
}
