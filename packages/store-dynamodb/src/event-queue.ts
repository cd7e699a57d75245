import { type QueuedEvent, toEventKey } from "@stackyard/core/engine";
import type { Aggregate } from "./aggregate.ts";
import { putAttempt } from "./attempt-moves.ts";
import { toAttribute, toItem } from "./attributes.ts";
import { findKnownIds } from "./event-ids.ts";
import { inParallel } from "./in-parallel.ts";
import { sizeOfItem } from "./item-size.ts";
import { appendEvents, type EventToQueue, type LaneEvent, parseReceipt, type Receipt, removeEvents } from "./lane.ts";
import { locateAttempt } from "./locate-attempt.ts";
import { changeStack } from "./stack-home.ts";
import type { StoreContext } from "./store-context.ts";
import { toStackKey } from "./work-keys.ts";

/** An event that is larger than this is a row beside the item of its stack. */
const INLINE_BYTES = 1024;

/** Rows that were written for events, so that a write that is tried again uses them again. */
export type PreparedEvents = Map<QueuedEvent, LaneEvent>;

/**
 * Queues events, those of one stack by one write. One that is queued, parked or applied already is ignored, so whoever
 * does not know whether it was done does it again. Returns for each event whether it was added.
 */
export async function enqueue(context: StoreContext, events: readonly EventToQueue[]): Promise<readonly boolean[]> {
  const byStack = Map.groupBy(events, ({ event }) => event.stackId);
  const lanes = await inParallel([...byStack], async ([stackId, ofStack]) => {
    const prepared: PreparedEvents = new Map();
    let added: readonly EventToQueue[] = [];
    try {
      added = await changeStack(context, stackId, async (aggregate) => {
        const queued = await queueEvents(context, stackId, aggregate, ofStack, prepared);
        return { next: queued.added.length === 0 ? undefined : queued.aggregate, result: queued.added };
      });
    } finally {
      await removeUnused(context, stackId, prepared, added);
    }
    return added;
  });
  const added = new Set(lanes.flat());
  if (added.size > 0) context.listeners.tell("event");
  return events.map((event) => added.has(event));
}

async function removeUnused(
  { work }: StoreContext,
  stackId: string,
  prepared: PreparedEvents,
  added: readonly EventToQueue[],
): Promise<void> {
  const used = new Set(added.map(({ event }) => event));
  const names = [...prepared].flatMap(([event, { beside }]) => (used.has(event) ? [] : (beside ?? [])));
  await inParallel(names, (name) => work.remove({ ...toStackKey(stackId, name) }));
}

/** Adds those events to the queue of an aggregate that are not known to the stack. */
export async function queueEvents(
  context: StoreContext,
  stackId: string,
  aggregate: Aggregate,
  events: readonly EventToQueue[],
  prepared: PreparedEvents = new Map(),
): Promise<{ readonly aggregate: Aggregate; readonly added: readonly EventToQueue[] }> {
  if (events.length === 0) return { aggregate, added: [] };
  const byKey = new Map<string, EventToQueue>();
  for (const event of events) {
    const key = toEventKey(event.event);
    if (!byKey.has(key)) byKey.set(key, event);
  }
  const queued = new Set([...aggregate.events, ...aggregate.parked].map(({ id }) => id));
  const applied = new Set(await findKnownIds(context, stackId, aggregate, [...byKey.keys()]));
  const unknown = [...byKey].filter(([key]) => !queued.has(key) && !applied.has(key));
  const ready = await inParallel(unknown, ([, event]) => prepareEvent(context, stackId, event, prepared));
  const { aggregate: next } = appendEvents(aggregate, stackId, ready);
  return { aggregate: next, added: unknown.map(([, event]) => event) };
}

async function prepareEvent(
  context: StoreContext,
  stackId: string,
  { event, notBefore }: EventToQueue,
  prepared: PreparedEvents,
): Promise<LaneEvent> {
  const known = prepared.get(event);
  if (known !== undefined) return known;
  const no = context.nextNumber();
  const dueAt = notBefore ?? event.receivedAt;
  const place = { no, id: toEventKey(event), dueAt, visibleAt: notBefore ?? 0, deliveries: 0 };
  const isLarge = sizeOfItem({ event: toAttribute(event) }) > INLINE_BYTES;
  const beside = isLarge ? `event#${no}-${context.random().toString(36).slice(2)}` : undefined;
  if (beside !== undefined) await context.work.put(toItem({ ...toStackKey(stackId, beside), event }));
  const lane = beside === undefined ? { ...place, event } : { ...place, beside };
  prepared.set(event, lane);
  return lane;
}

/** Removes rows of the queue; unknown receipts are ignored. */
export async function acknowledge(context: StoreContext, receipts: readonly string[]): Promise<void> {
  await changeByReceipts(context, receipts, (aggregate, ofStack) => removeByReceipts(aggregate, ofStack));
}

/** Hands rows out again from that instant on. */
export async function giveBack(context: StoreContext, receipts: readonly string[], visibleAt: number): Promise<void> {
  await changeByReceipts(context, receipts, (aggregate, ofStack) => ({
    aggregate: ofStack.reduce((before, receipt) => giveBackOne(before, receipt, visibleAt), aggregate),
    unused: [],
  }));
}

type Changed = { readonly aggregate: Aggregate; readonly unused: readonly string[] };

async function changeByReceipts(
  context: StoreContext,
  receipts: readonly string[],
  change: (aggregate: Aggregate, receipts: readonly Receipt[]) => Changed,
): Promise<void> {
  const byStack = await groupByStack(context, receipts);
  await inParallel([...byStack], async ([stackId, ofStack]) => {
    const parsed = ofStack.map((own) => own.parsed);
    const unused = await changeStack<readonly string[]>(context, stackId, (aggregate) => {
      const changed = change(aggregate, parsed);
      return { next: changed.aggregate === aggregate ? undefined : changed.aggregate, result: changed.unused };
    });
    await inParallel(unused, (name) => context.work.remove({ ...toStackKey(stackId, name) }));
    for (const { receipt } of ofStack) context.handedOut.delete(receipt);
  });
}

/** A receipt with what it stands for. */
export interface OwnReceipt {
  readonly receipt: string;
  readonly parsed: Receipt;
}

/** Receipts by the stack whose item has their row; unknown ones are left out. */
export async function groupByStack(
  context: StoreContext,
  receipts: readonly string[],
): Promise<ReadonlyMap<string, readonly OwnReceipt[]>> {
  const located = await inParallel(receipts, async (receipt) => {
    const parsed = parseReceipt(receipt);
    if (parsed === undefined) return [];
    const stackId = parsed.kind === "event" ? parsed.stackId : await locateAttempt(context, parsed.attemptId);
    return stackId === undefined ? [] : [{ stackId, receipt, parsed }];
  });
  return Map.groupBy(located.flat(), ({ stackId }) => stackId);
}

/** Without the rows of the receipts. `unused`: sort keys of rows beside that nothing names any more. Pure. */
export function removeByReceipts(aggregate: Aggregate, receipts: readonly Receipt[]): Changed {
  const numbers = receipts.flatMap((receipt) => (receipt.kind === "event" ? [receipt.no] : []));
  const removed = removeEvents(aggregate, numbers);
  const tasks = receipts.filter((receipt) => receipt.kind === "task");
  const withoutTasks = tasks.reduce(
    (before, { attemptId, no }) => changeSent(before, attemptId, no, () => undefined),
    removed.aggregate,
  );
  return { aggregate: withoutTasks, unused: removed.unused };
}

function giveBackOne(aggregate: Aggregate, receipt: Receipt, visibleAt: number): Aggregate {
  if (receipt.kind === "task") {
    return changeSent(aggregate, receipt.attemptId, receipt.no, (sent) => ({ ...sent, visibleAt, dueAt: visibleAt }));
  }
  if (receipt.kind === "event") {
    if (!aggregate.events.some(({ no }) => no === receipt.no)) return aggregate;
    const events = aggregate.events.map((event) => {
      return event.no === receipt.no ? { ...event, visibleAt, dueAt: visibleAt } : event;
    });
    return { ...aggregate, events };
  }
  const row = aggregate.attempts.find(({ attemptId }) => attemptId === receipt.attemptId);
  const at = row?.pollDueAt ?? row?.leaseUntil;
  return row === undefined || at === undefined
    ? aggregate
    : putAttempt(aggregate, { ...row, hidden: { at, until: visibleAt } });
}

type Sent = NonNullable<Aggregate["attempts"][number]["sent"]>;

function changeSent(
  aggregate: Aggregate,
  attemptId: string,
  no: number,
  change: (sent: Sent) => Sent | undefined,
): Aggregate {
  const row = aggregate.attempts.find((each) => each.attemptId === attemptId);
  if (row?.sent === undefined || row.sent.no !== no) return aggregate;
  return putAttempt(aggregate, { ...row, sent: change(row.sent) });
}
