import type { Store } from "@stackyard/core";
import type { Change } from "@stackyard/core/engine";
import { type StackBefore, toCommitMetrics } from "./commit-metrics.ts";
import type { InstrumentDeps } from "./instrument-engine.ts";
import type { DecidedEvent } from "./scope.ts";
import { findCarrier, NO_CARRIER, type TraceCarrier } from "./trace-context.ts";

/** What is followed of a store. */
export type StoreLike = Pick<Store, "load" | "commit" | "settle">;

type QueuedEvent = Parameters<Store["settle"]>[1]["event"];

/** How stacks and their parked events were when they were loaded last. */
type Known = Map<string, StackBefore & { readonly parked: ReadonlyMap<string, TraceCarrier> }>;

/** A load is followed by its commit; what never was is forgotten in time. */
const MOST_KNOWN = 1_000;

/**
 * A store whose commits are measured, and in which traces go on: task messages, parked events and results are kept with the
 * context of what made them, so that they are sent with it whoever sends them, and after a crash too.
 */
export function instrumentStore<S extends StoreLike>(deps: InstrumentDeps, store: S): S {
  const known: Known = new Map();
  const followed: StoreLike = {
    async load(stackIds) {
      const loaded = await store.load(stackIds);
      if (known.size > MOST_KNOWN) known.clear();
      for (const { stackId, stack, parked } of loaded) {
        const carriers = parked.map(({ event }) => [event.id, findCarrier(event.message)] as const);
        known.set(stackId, { stack, parked: new Map(carriers) });
      }
      return loaded;
    },
    async commit(changes) {
      const rounds = changes.map((change) => followChange(deps, known, change));
      try {
        const results = await store.commit(rounds.map(({ change }) => change));
        for (const [index, { change, before, end }] of rounds.entries()) {
          if (results[index]?.kind !== "committed") continue;
          for (const { name, value, dimensions } of toCommitMetrics(change, before))
            deps.count(name, value, dimensions);
          end();
        }
        return results;
      } finally {
        for (const { drop } of rounds) drop();
      }
    },
    settle: (grant, input) => store.settle(grant, { ...input, event: withTrace(input.event, deps.spans.inject()) }),
  };
  return { ...store, ...followed };
}

interface Followed {
  readonly change: Change;
  readonly before: StackBefore;
  /** Tells the spans what was committed. */
  end(): void;
  /** Ends a span that was begun for the commit. */
  drop(): void;
}

function followChange({ scopes, spans }: InstrumentDeps, known: Known, change: Change): Followed {
  const { events, carrier } = scopes.current();
  const before = known.get(change.stackId) ?? { stack: undefined, parked: new Map() };
  known.delete(change.stackId);
  const [first] = change.history;
  // What time has made due came with no message: its trace begins here.
  const begun =
    events.size > 0 || carrier !== NO_CARRIER || first === undefined
      ? undefined
      : spans.start({
          name: `decide ${first.event}`,
          attributes: { "stackyard.stack.id": change.stackId, "stackyard.event": first.event },
          parent: before.parked.get(first.eventId) ?? NO_CARRIER,
        });
  const find = (eventId: string): DecidedEvent | undefined => events.get(eventId);
  const fallback = begun?.carrier ?? (events.size === 1 ? [...events.values()][0]?.carrier : carrier) ?? NO_CARRIER;
  const carrierOf = (eventId: string) => find(eventId)?.carrier ?? toGiven(before.parked.get(eventId)) ?? fallback;
  return {
    before,
    change: {
      ...change,
      dispatches: withTraces(change, carrierOf),
      park: change.park.map((parked) => ({ ...parked, event: withTrace(parked.event, carrierOf(parked.event.id)) })),
    },
    end() {
      for (const entry of change.history) {
        const span = find(entry.eventId)?.span ?? (entry === first ? begun?.span : undefined);
        span?.setAttributes(toOutcomeAttributes(entry));
      }
    },
    drop: () => begun?.span?.end(),
  };
}

function toGiven(carrier: TraceCarrier | undefined): TraceCarrier | undefined {
  return carrier === NO_CARRIER ? undefined : carrier;
}

type Dispatch = Change["dispatches"][number];

/** Each line of the history names what it has sent, and both are in one order. */
function withTraces(
  { dispatches, history }: Change,
  carrierOf: (eventId: string) => TraceCarrier,
): readonly Dispatch[] {
  const senders = history.flatMap(({ eventId, sent }) => sent.map((task) => ({ eventId, task })));
  return dispatches.map((dispatch, index) => {
    const sender = senders[index];
    const carrier = carrierOf(sender?.task === dispatch.task ? sender.eventId : "");
    if (carrier === NO_CARRIER) return dispatch;
    const { message } = dispatch;
    return { ...dispatch, message: { ...message, dispatch: { ...message.dispatch, ...carrier } } };
  });
}

function withTrace(event: QueuedEvent, carrier: TraceCarrier): QueuedEvent {
  return carrier === NO_CARRIER ? event : { ...event, message: { ...event.message, ...carrier } };
}

function toOutcomeAttributes({ outcome, code, from, to, sent }: Change["history"][number]) {
  return {
    "stackyard.outcome": outcome,
    ...(code === undefined ? {} : { "stackyard.code": code }),
    ...(from === undefined ? {} : { "stackyard.state.from": from }),
    ...(to === undefined ? {} : { "stackyard.state.to": to }),
    ...(sent.length === 0 ? {} : { "stackyard.tasks": [...sent] }),
  };
}
