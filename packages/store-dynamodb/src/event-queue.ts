import { StackyardError } from "@stackyard/core";
import { type QueuedEvent, toEventKey } from "@stackyard/core/engine";
import type { Aggregate } from "./aggregate.ts";
import { toItem } from "./attributes.ts";
import { inParallel } from "./in-parallel.ts";
import { findKnownIds } from "./known-ids.ts";
import { isLarge, LANES, type LaneEvent, type LaneRow, toBesideKey } from "./lane-row.ts";
import { loadAggregate } from "./load-aggregate.ts";
import { type Move, mutateRow } from "./mutate-row.ts";
import type { StoreContext } from "./store-context.ts";

/** An event to queue, not handed out before that instant. */
export interface EventToQueue {
  readonly event: QueuedEvent;
  readonly notBefore?: number | undefined;
}

// A lane is one item; an event in it has about a hundred bytes at least.
const MOST_EVENTS = 1_500;
const MOST_INSIDE = 100;

/**
 * Queues events, those of one stack by one write. One that is queued, parked or applied already is passed over, so
 * whoever does not know whether it was done does it again. Returns for each event whether it was added.
 */
export async function enqueue(context: StoreContext, events: readonly EventToQueue[]): Promise<readonly boolean[]> {
  const byStack = Map.groupBy(events, ({ event }) => event.stackId);
  const lanes = await inParallel([...byStack], ([stackId, ofStack]) => enqueueInLane(context, stackId, ofStack));
  const added = new Set(lanes.flat());
  if (added.size > 0) context.listeners.tell("event");
  return events.map((event) => added.has(event));
}

/** Returns those that were added. */
async function enqueueInLane(
  context: StoreContext,
  stackId: string,
  events: readonly EventToQueue[],
): Promise<readonly EventToQueue[]> {
  const aggregate = await loadAggregate(context, stackId);
  const known = new Set(await findKnown(context, stackId, aggregate, events));
  const unknown = events.filter(({ event }) => !known.has(toEventKey(event)));
  if (unknown.length === 0) return [];
  const added = (await addToLane(context, stackId, unknown)) ?? (await addToLane(context, stackId, unknown, "beside"));
  return added ?? [];
}

/** Returns those that were added; undefined when the lane has room only for names. */
async function addToLane(
  context: StoreContext,
  stackId: string,
  events: readonly EventToQueue[],
  where: "inside" | "beside" = "inside",
): Promise<readonly EventToQueue[] | undefined> {
  const prepared = await inParallel(events, (event) => prepareOne(context, event, where));
  const added = await mutateRow<LaneRow, readonly LaneEvent[] | undefined>(context, LANES, stackId, (row) =>
    append(stackId, row, prepared),
  );
  const unused = prepared.filter((event) => added?.includes(event) !== true);
  await removeBeside(context, stackId, unused);
  return added && events.filter((_, index) => prepared[index] !== undefined && added.includes(prepared[index]));
}

async function findKnown(
  context: StoreContext,
  stackId: string,
  aggregate: Aggregate,
  events: readonly EventToQueue[],
): Promise<readonly string[]> {
  const ids = events.map(({ event }) => toEventKey(event));
  const parked = aggregate.parked.map(({ id }) => id);
  return [...parked, ...(await findKnownIds(context, stackId, aggregate, ids))];
}

async function prepareOne(
  context: StoreContext,
  { event, notBefore }: EventToQueue,
  where: "inside" | "beside",
): Promise<LaneEvent> {
  const no = context.nextNumber();
  const place = {
    no,
    id: toEventKey(event),
    dueAt: notBefore ?? event.receivedAt,
    visibleAt: notBefore ?? 0,
    deliveries: 0,
  };
  if (where === "inside" && !isLarge(event)) return { ...place, event };
  const beside = `${no}-${context.random().toString(36).slice(2)}`;
  await context.work.put(toItem({ ...toBesideKey(event.stackId, beside), event }));
  return { ...place, beside };
}

/** Gives those that are new; undefined when they are too many to stand in the lane. */
function append(
  stackId: string,
  row: LaneRow | undefined,
  prepared: readonly LaneEvent[],
): Move<LaneRow, readonly LaneEvent[] | undefined> {
  const queued = new Set(row?.events.map(({ id }) => id));
  const added = prepared.filter(({ id }, index) => {
    return !queued.has(id) && prepared.findIndex((other) => other.id === id) === index;
  });
  if (added.length === 0) return { result: [] };
  const events = [...(row?.events ?? [])];
  // Numbers come from clocks; within a lane they have to grow whatever those say.
  for (const event of added) events.push({ ...event, no: Math.max(event.no, (events.at(-1)?.no ?? 0) + 1) });
  const isCrowded = events.length > MOST_INSIDE && added.some(({ event }) => event !== undefined);
  if (isCrowded) return { result: undefined };
  if (events.length > MOST_EVENTS) {
    const message = `${MOST_EVENTS} events of the stack ${JSON.stringify(stackId)} wait already. Send more when they are decided.`;
    throw new StackyardError("RATE_LIMITED", message);
  }
  return { write: { ...row, stackId, events }, result: added };
}

/** Removes events by their numbers; unknown ones are passed over. */
export async function removeEvents(context: StoreContext, stackId: string, numbers: readonly number[]): Promise<void> {
  const removed = await mutateRow<LaneRow, readonly LaneEvent[]>(context, LANES, stackId, (row) => {
    const gone = row?.events.filter(({ no }) => numbers.includes(no)) ?? [];
    if (row === undefined || gone.length === 0) return { result: [] };
    const events = row.events.filter(({ no }) => !numbers.includes(no));
    return { write: events.length === 0 ? "remove" : { ...row, events }, result: gone };
  });
  await removeBeside(context, stackId, removed);
}

async function removeBeside(context: StoreContext, stackId: string, events: readonly LaneEvent[]): Promise<void> {
  const names = events.flatMap(({ beside }) => beside ?? []);
  await inParallel(names, (name) => context.work.remove({ ...toBesideKey(stackId, name) }));
}
