import { AsyncLocalStorage } from "node:async_hooks";
import type { Span } from "@opentelemetry/api";
import { NO_CARRIER, type TraceCarrier } from "./trace-context.ts";

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
