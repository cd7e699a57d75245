import { SpanStatusCode } from "@opentelemetry/api";
import {
  type Clock,
  type DeliveryOutcome,
  defined,
  type EventDelivery,
  type Executor,
  type ExecutorContext,
  RecentMap,
  type Step,
  type Store,
} from "@stackyard/core";
import {
  type Change,
  type ClaimInput,
  type Engine,
  findStall,
  type LoadedStack,
  type QueuedEvent,
} from "@stackyard/core/engine";
import type { Count, Dimensions, MetricName } from "./metrics.ts";
import {
  findCarrier,
  NO_CARRIER,
  type OpenSpan,
  type Scope,
  type Scopes,
  type Spans,
  type TraceCarrier,
  toErrorType,
  toLinks,
} from "./spans.ts";

/** The traced part of an engine. */
export type EngineLike = Pick<Engine, "handle">;

/** The dependencies of an instrumented store. */
export interface InstrumentDeps {
  readonly scopes: Scopes;
  readonly spans: Spans;
  readonly count: Count;
  readonly clock: Clock;
}

/**
 * Wraps an engine: its decisions become spans, each in the trace of its own event, also if one commit decides many. The
 * store measures the commits; see `instrumentStore`.
 */
export function instrumentEngine<E extends EngineLike>(deps: InstrumentDeps, engine: E): E {
  return { ...engine, handle: (deliveries: readonly EventDelivery[]) => handle(deps, engine, deliveries) };
}

async function handle(
  deps: InstrumentDeps,
  engine: EngineLike,
  deliveries: readonly EventDelivery[],
): Promise<readonly DeliveryOutcome[]> {
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

function startSpans({ scopes, spans }: InstrumentDeps, deliveries: readonly EventDelivery[]): readonly OpenSpan[] {
  const { takeCarriers, carrier: batch } = scopes.current();
  const carriers = takeCarriers();
  const isOfDeliveries = carriers.length === deliveries.length;
  return deliveries.map((delivery, index) => {
    const own = isOfDeliveries ? (carriers[index] ?? NO_CARRIER) : NO_CARRIER;
    // Events in the store's own queue have no attributes: there the trace is in the body.
    const parent = own === NO_CARRIER ? findCarrier(delivery.event.message) : own;
    const attributes = {
      "stackyard.stack.id": delivery.event.stackId,
      "stackyard.event.id": delivery.event.id,
      "stackyard.event": toSpanWord(delivery),
    };
    const started = spans.start({ name: `decide ${toSpanWord(delivery)}`, attributes, parent });
    if (deliveries.length > 1) for (const link of toLinks(batch)) started.span?.addLink(link);
    return started;
  });
}

const NO_SPAN: OpenSpan = { span: undefined, carrier: NO_CARRIER };

function toScope(outer: Scope, deliveries: readonly EventDelivery[], open: readonly OpenSpan[]): Partial<Scope> {
  const events = new Map(deliveries.map(({ event }, index) => [event.id, open[index] ?? NO_SPAN]));
  const [only, ...more] = deliveries;
  if (only === undefined || more.length > 0) return { events };
  const fields = { ...outer.fields, stackId: only.event.stackId, eventId: only.event.id };
  return { events, fields, carrier: open[0]?.carrier ?? outer.carrier };
}

/**
 * Returns the event's name, which is a word of a machine; any other text would create an unlimited number of span
 * names.
 */
function toSpanWord({ event: { message } }: EventDelivery): string {
  // Like `toEventName` of the engine, whose import would put the engine into the bundles of all apps.
  const name = [message["event"], message["action"]].find((text) => typeof text === "string" && text !== "");
  return typeof name === "string" && /^[\w.:-]{1,64}$/.test(name) ? name : "event";
}

type Operation = "start" | "poll" | "cancel";

/**
 * Wraps an executor: its calls become spans in the trace of the event that has sent the task, and are measured. The
 * context has the trace too (`ctx.traceContext`), for programs and requests that the executor starts.
 */
export function instrumentExecutor(deps: InstrumentDeps, executor: Executor): Executor {
  const { poll, cancel } = executor;
  const call = createCall(deps, executor.name);
  const follow = (operation: Operation, method: Executor["poll"]): Executor["poll"] =>
    method && ((ctx, config, progress) => call(operation, ctx, (own) => method.call(executor, own, config, progress)));
  return {
    ...executor,
    start: (ctx, config) => call("start", ctx, (own) => executor.start(own, config)),
    ...defined({ poll: follow("poll", poll), cancel: follow("cancel", cancel) }),
  };
}

function createCall({ scopes, spans, count, clock }: InstrumentDeps, executor: string) {
  return async (
    operation: Operation,
    ctx: ExecutorContext,
    run: (own: ExecutorContext) => Promise<Step>,
  ): Promise<Step> => {
    const { stackId, machine, state, task, attempt } = ctx;
    const attributes = {
      "stackyard.executor": executor,
      "stackyard.stack.id": stackId,
      "stackyard.machine": machine,
      "stackyard.state": state,
      "stackyard.task": task,
      "stackyard.attempt.id": attempt.id,
      "stackyard.attempt.number": attempt.number,
    };
    const startedAt = clock.now();
    const dimensions = { executor, operation };
    const fail = (code: string) => count("step_failures", 1, { executor, code });
    const fields = { ...scopes.current().fields, stackId, task, attemptId: attempt.id };
    const measured = async ({ carrier, span }: OpenSpan): Promise<Step> => {
      try {
        const step = await scopes.run({ fields }, () => run(withTrace(ctx, carrier)));
        noteStep(span, step);
        if (step.kind === "failed") fail(step.code);
        return step;
      } catch (error) {
        fail(toErrorType(error));
        throw error;
      } finally {
        count("step_duration_seconds", Math.max(0, clock.now() - startedAt) / 1_000, dimensions);
      }
    };
    return spans.run({ name: `${executor} ${operation}`, attributes }, measured);
  };
}

/** Codes only: messages are masked later, where the task's secrets are known. */
function noteStep(span: OpenSpan["span"], step: Step): void {
  span?.setAttribute("stackyard.step", step.kind);
  if (step.kind !== "failed") return;
  span?.setAttribute("error.type", step.code);
  span?.setStatus({ code: SpanStatusCode.ERROR });
}

function withTrace(ctx: ExecutorContext, carrier: TraceCarrier): ExecutorContext {
  const { traceparent, tracestate } = findCarrier(carrier);
  if (traceparent === undefined) return ctx;
  return { ...ctx, traceContext: { traceparent, ...defined({ tracestate }) } };
}

/** The traced part of a store. */
export type StoreLike = Pick<Store, "load" | "loadParked" | "commit" | "claim" | "findAttempt" | "settle">;

/** The stacks and their parked events as they were loaded last. */
type Known = Map<string, StackBefore & { readonly parked: Map<string, TraceCarrier> }>;

/** A load is followed by its commit; others are evicted. */
const MOST_KNOWN = 1_000;

/**
 * Measures the commits and first grants of a store, and propagates traces: task messages, parked events and results are stored with the
 * context that created them, so that every sender passes it on, even after a crash.
 */
export function instrumentStore<S extends StoreLike>(deps: InstrumentDeps, store: S): S {
  const known: Known = new RecentMap(MOST_KNOWN);
  const followed: Omit<StoreLike, "findAttempt"> = {
    async load(stackIds) {
      const loaded = await store.load(stackIds);
      for (const { stackId, stack } of loaded) known.set(stackId, { stack, parked: new Map() });
      return loaded;
    },
    async loadParked(stackId, keys) {
      const events = await store.loadParked(stackId, keys);
      for (const { event } of events) known.get(stackId)?.parked.set(event.id, findCarrier(event.message));
      return events;
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
    async claim(input) {
      const result = await store.claim(input);
      if (result.kind === "granted" && !result.again) void measureWait(deps, store, input);
      return result;
    },
    settle: (grant, input) =>
      store.settle(grant, { ...input, event: withEventTrace(input.event, deps.spans.inject()) }),
  };
  return { ...store, ...followed };
}

/** Measures how long a task has waited for its first grant. The task does not wait for this read. */
async function measureWait({ count }: InstrumentDeps, store: StoreLike, { attemptId, now }: ClaimInput): Promise<void> {
  const attempt = await store.findAttempt(attemptId).catch(() => undefined);
  if (attempt !== undefined) count("task_wait_seconds", Math.max(0, now - attempt.dispatchedAt) / 1_000);
}

function followChange({ scopes, spans }: InstrumentDeps, known: Known, change: Change) {
  const { events, carrier } = scopes.current();
  const before = known.get(change.stackId) ?? { stack: undefined, parked: new Map() };
  known.delete(change.stackId);
  const [first] = change.history;
  // Due work has no message: its trace starts here.
  const begun =
    events.size > 0 || carrier !== NO_CARRIER || first === undefined
      ? undefined
      : spans.start({
          name: `decide ${first.event}`,
          attributes: { "stackyard.stack.id": change.stackId, "stackyard.event": first.event },
          parent: before.parked.get(first.eventId) ?? NO_CARRIER,
        });
  const fallback = begun?.carrier ?? (events.size === 1 ? [...events.values()][0]?.carrier : carrier) ?? NO_CARRIER;
  const carrierOf = (eventId: string) =>
    events.get(eventId)?.carrier ?? toGiven(before.parked.get(eventId)) ?? fallback;
  return {
    before,
    change: {
      ...change,
      dispatches: withTraces(change, carrierOf),
      park: change.park.map((parked) => ({
        ...parked,
        event: withEventTrace(parked.event, carrierOf(parked.event.id)),
      })),
    },
    /** Reports the commit to the spans. */
    end() {
      for (const entry of change.history) {
        const span = events.get(entry.eventId)?.span ?? (entry === first ? begun?.span : undefined);
        span?.setAttributes(toOutcomeAttributes(entry));
      }
    },
    /** Ends a span that was begun for the commit. */
    drop: () => begun?.span?.end(),
  };
}

function toGiven(carrier: TraceCarrier | undefined): TraceCarrier | undefined {
  return carrier === NO_CARRIER ? undefined : carrier;
}

type Dispatch = Change["dispatches"][number];

/** Adds the traces of their causes to dispatches. */
function withTraces(
  { dispatches }: Pick<Change, "dispatches">,
  carrierOf: (eventId: string) => TraceCarrier,
): readonly Dispatch[] {
  return dispatches.map((dispatch) => {
    const carrier = carrierOf(dispatch.cause);
    if (carrier === NO_CARRIER) return dispatch;
    const { message } = dispatch;
    return { ...dispatch, message: { ...message, dispatch: { ...message.dispatch, ...carrier } } };
  });
}

function withEventTrace(event: QueuedEvent, carrier: TraceCarrier): QueuedEvent {
  return carrier === NO_CARRIER ? event : { ...event, message: { ...event.message, ...carrier } };
}

function toOutcomeAttributes({ outcome, code, from, to, sent }: Change["history"][number]) {
  return {
    "stackyard.outcome": outcome,
    ...defined({ "stackyard.code": code, "stackyard.state.from": from, "stackyard.state.to": to }),
    ...(sent.length === 0 ? {} : { "stackyard.tasks": [...sent] }),
  };
}

/** A stack before a commit. */
interface StackBefore {
  readonly stack: LoadedStack["stack"] | undefined;
}

/** One value to measure. */
interface Measured {
  readonly name: MetricName;
  readonly value: number;
  readonly dimensions: Dimensions;
}

type Entry = Change["history"][number];

const REFUSALS: ReadonlySet<Entry["outcome"]> = new Set(["parked", "refused", "dead-lettered"]);

/** Returns the metrics of a commit. */
export function toCommitMetrics(change: Change, before: StackBefore): readonly Measured[] {
  const { write, history, dispatches, now } = change;
  const after = write.kind === "put" ? write.stack : before.stack;
  // Where no stack is there, the machine's name is a sender's word: it would make metrics without end.
  const machine = after?.machine ?? "none";
  return [
    ...history.map(({ outcome }) => one("events", { outcome })),
    ...history
      .filter(({ outcome }) => REFUSALS.has(outcome))
      .map(({ code }) => one("refused_events", { machine, code: code ?? "none" })),
    ...history.filter(isFailure).map(({ code }) => one("task_failures", { machine, code: toFailureCode(code) })),
    ...change.deadLetters.map(() => one("dead_lettered_events", {})),
    ...dispatches.map(() => one("sent_tasks", { machine })),
    ...toStalls(before, write),
    ...toStateDurations(before, write, now),
  ];
}

function one(name: MetricName, dimensions: Dimensions): Measured {
  return { name, value: 1, dimensions };
}

function isFailure({ event, outcome }: Entry): boolean {
  return outcome === "applied" && (event === "TASK_ERROR" || event === "TASK_TIMED_OUT");
}

/** Foreign runners may report any code. */
function toFailureCode(code: string | undefined): string {
  if (code === undefined) return "none";
  return /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? code : "other";
}

function toStalls({ stack }: StackBefore, write: Change["write"]): readonly Measured[] {
  const stalled = write.kind === "put" ? findStall(write.stack) : undefined;
  const wasStalled = stack !== undefined && findStall(stack) !== undefined;
  return stalled === undefined || wasStalled ? [] : [one("stalls", { code: stalled.code })];
}

/** Returns how long the stack was in the state that it leaves. States passed within one commit take no time. */
function toStateDurations({ stack }: StackBefore, write: Change["write"], now: number): readonly Measured[] {
  if (stack === undefined || write.kind === "keep") return [];
  if (write.kind === "put" && write.stack.entry === stack.entry && write.stack.incarnation === stack.incarnation)
    return [];
  const { machine, state, enteredAt } = stack;
  const value = Math.max(0, now - enteredAt) / 1_000;
  return [{ name: "state_duration_seconds", value, dimensions: { machine, state } }];
}
