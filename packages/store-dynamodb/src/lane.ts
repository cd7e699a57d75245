import { StackyardError } from "@stackyard/core";
import type { QueuedEvent } from "@stackyard/core/engine";

/** A queued event. */
export interface LaneEvent {
  /** Grows along the queue. */
  readonly no: number;
  /** Its key (`toEventKey`). */
  readonly id: string;
  /** Orders it among other work. */
  readonly dueAt: number;
  /** 0: no one has taken it yet. */
  readonly visibleAt: number;
  readonly deliveries: number;
  readonly event?: QueuedEvent | undefined;
  /** Instead of the event: it is a row of the work table with this sort key. */
  readonly beside?: string | undefined;
}

/** An event to queue, not handed out before that instant. */
export interface EventToQueue {
  readonly event: QueuedEvent;
  readonly notBefore?: number | undefined;
}

/** A queue of events in order, as it is part of an aggregate. */
export interface Lane {
  readonly events: readonly LaneEvent[];
}

/** Of one stack. Names of events take a hundred bytes each. */
const MOST_EVENTS = 1_500;

/** Appends those that are not queued yet. Throws `RATE_LIMITED`, and adds none, when there are too many. Pure. */
export function appendEvents<A extends Lane>(
  aggregate: A,
  stackId: string,
  prepared: readonly LaneEvent[],
): { readonly aggregate: A; readonly added: readonly LaneEvent[] } {
  const queued = new Set(aggregate.events.map(({ id }) => id));
  const added: LaneEvent[] = [];
  const events = [...aggregate.events];
  for (const event of prepared) {
    if (queued.has(event.id)) continue;
    queued.add(event.id);
    added.push(event);
    // Numbers come from clocks; within a queue they have to grow whatever those say.
    events.push({ ...event, no: Math.max(event.no, (events.at(-1)?.no ?? 0) + 1) });
  }
  if (added.length > 0 && events.length > MOST_EVENTS) {
    const message = `${MOST_EVENTS} events of the stack ${JSON.stringify(stackId)} wait already. Send more when they are decided.`;
    throw new StackyardError("RATE_LIMITED", message);
  }
  return { aggregate: added.length === 0 ? aggregate : { ...aggregate, events }, added };
}

/** The events that one take may hand out: from the first one on, as long as they are visible. Pure. */
export function listVisible({ events }: Lane, now: number): readonly LaneEvent[] {
  const blocked = events.findIndex(({ visibleAt }) => visibleAt > now);
  return blocked === -1 ? events : events.slice(0, blocked);
}

/** The queue without the events of those numbers, and the sort keys of rows that it no longer names. Pure. */
export function removeEvents<A extends Lane>(
  aggregate: A,
  numbers: readonly number[],
): { readonly aggregate: A; readonly unused: readonly string[] } {
  const gone = aggregate.events.filter(({ no }) => numbers.includes(no));
  if (gone.length === 0) return { aggregate, unused: [] };
  const events = aggregate.events.filter(({ no }) => !numbers.includes(no));
  return { aggregate: { ...aggregate, events }, unused: gone.flatMap(({ beside }) => beside ?? []) };
}

/** What a receipt of this store stands for. */
export type Receipt =
  | { readonly kind: "event"; readonly no: number; readonly stackId: string }
  | { readonly kind: "task"; readonly no: number; readonly attemptId: string }
  | { readonly kind: "return"; readonly attemptId: string };

/** The receipt of an event. */
export function toEventReceipt(stackId: string, no: number): string {
  return `event:${no}:${stackId}`;
}

/** The receipt of a task message. */
export function toTaskReceipt(attemptId: string, no: number): string {
  return `task:${no}:${attemptId}`;
}

const NUMBERED = /^(event|task):(\d{1,16}):(.*)$/s;
const RETURN = /^(?:poll|lapsedLease):(.*)$/s;

/** Undefined for a text that is not a receipt of this store. */
export function parseReceipt(receipt: string): Receipt | undefined {
  const [, kind, no, id = ""] = NUMBERED.exec(receipt) ?? [];
  if (kind === "event") return { kind, no: Number(no), stackId: id };
  if (kind === "task") return { kind, no: Number(no), attemptId: id };
  const [, attemptId] = RETURN.exec(receipt) ?? [];
  return attemptId === undefined ? undefined : { kind: "return", attemptId };
}
