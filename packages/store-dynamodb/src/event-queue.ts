import {
  createPageBuilder,
  type DeadLetter,
  type Page,
  type PageInput,
  parsePosition,
  type QueuedEvent,
  toEventKey,
} from "@stackyard/core/engine";
import {
  type Aggregate,
  appendEvents,
  type EventToQueue,
  findOpen,
  type LaneEvent,
  parseReceipt,
  putAttempt,
  type Receipt,
  removeEvents,
} from "./aggregate.ts";
import { inParallel, type Row, toAttribute, toItem } from "./database.ts";
import { findKnownIds, sizeOfItem, toKeyPart, toStackKey } from "./keys.ts";
import { changeStack } from "./stack-home.ts";
import { attemptLater, locateAttempt, type StoreContext } from "./store-context.ts";
import { WORK_INDEXES } from "./tables.ts";
import {
  fillPage,
  loadListed,
  loadRow,
  loadRowAt,
  mutateRow,
  type RowKind,
  takeFirst,
  toWorkKey,
  tryRead,
  type WorkRow,
} from "./work-rows.ts";

/** Events larger than this are stored in a separate row instead of the item of their stack. */
const INLINE_BYTES = 1024;

/** Rows that were written for events, so that a write that is tried again uses them again. */
export type PreparedEvents = Map<QueuedEvent, LaneEvent>;

/**
 * Queues events with one write per stack. Ignores an event that is already queued, parked or applied, so callers can
 * safely repeat the call. Returns for each event whether it was added.
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
  if (added.size > 0) context.listeners.notify(["event"]);
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
  await inParallel(names, (name) => work.remove(toStackKey(stackId, name)));
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
  await changeByReceipts(context, receipts, removeByReceipts);
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
    await inParallel(unused, (name) => context.work.remove(toStackKey(stackId, name)));
    for (const { receipt } of ofStack) context.handedOut.delete(receipt);
  });
}

/** A receipt with the row that it identifies. */
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

/** Removes the rows of the receipts. `unused`: sort keys of separate rows without a reference. Pure. */
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
  const row = findOpen(aggregate, receipt.attemptId);
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
  const row = findOpen(aggregate, attemptId);
  if (row?.sent === undefined || row.sent.no !== no) return aggregate;
  return putAttempt(aggregate, { ...row, sent: change(row.sent) });
}

/** A dead letter. One that was sent again or dismissed stays for a while, so that no late writer brings it back. */
interface DeadLetterRow extends WorkRow {
  readonly entry: DeadLetter;
  /** Grows over the yard. */
  readonly sequence: number;
  readonly sentAgain?: { readonly at: number; readonly isQueued: boolean } | undefined;
}

/** All of them are under this key of the list index. */
export const DEAD_LETTER_LIST = "dead-lettered";

/** A redrive that was not finished is finished after so long, and tried again after the other. */
const REPAIR_AFTER_MS = 10_000;
const REPAIR_AGAIN_MS = 60_000;
const REPAIRED_AT_ONCE = 100;

/** The rows of dead letters: by the id of the entry, listed until they are sent again. */
const DEAD_LETTER: RowKind<DeadLetterRow> = {
  name: "dead letter",
  toKey: (id) => ({ pk: `dead-lettered#${toKeyPart(id)}`, sk: "event" }),
  toIndex({ sequence, sentAgain }): Row {
    if (sentAgain === undefined) return { listKey: DEAD_LETTER_LIST, listAt: sequence };
    if (sentAgain.isQueued) return { sweepKey: "sent-again", sweepAt: sentAgain.at };
    return { sweepKey: "redriven", sweepAt: sentAgain.at + REPAIR_AFTER_MS };
  },
};

/** Writes it unless it is there. */
export async function putDeadLetter(context: StoreContext, entry: DeadLetter): Promise<void> {
  const row = { entry, sequence: context.nextNumber() };
  const item = toItem({ ...row, ...DEAD_LETTER.toIndex(row), ...DEAD_LETTER.toKey(entry.id) });
  await context.work.put(item, { expression: "attribute_not_exists(pk)" });
}

/** Removes those that were dead-lettered before that instant. */
export async function pruneDeadLetters(context: StoreContext, before: number): Promise<void> {
  for await (const { read } of loadDeadLetters(context, { descending: false })) {
    const { item } = tryRead(read);
    if (item === undefined || item.sentAgain !== undefined || item.entry.deadLetteredAt >= before) continue;
    await context.work.remove(DEAD_LETTER.toKey(item.entry.id));
  }
}

/** Lists dead letters, newest first. They are few, for people: a filter walks over the others. */
export async function listDeadLetters(
  context: StoreContext,
  filter: { readonly stackId?: string; readonly code?: string },
  page: PageInput,
): Promise<Page<DeadLetter>> {
  return fillPage(createPageBuilder<DeadLetter>(page), walk(context, filter, parsePosition(page.cursor)));
}

async function* walk(
  context: StoreContext,
  { stackId, code }: { readonly stackId?: string; readonly code?: string },
  before: number | undefined,
) {
  for await (const { entry, read } of loadDeadLetters(context, { before, descending: true })) {
    const row = tryRead(read);
    const { sentAgain, entry: item } = row.item ?? {};
    if (sentAgain !== undefined) continue;
    if (item !== undefined && stackId !== undefined && item.event.stackId !== stackId) continue;
    if (item !== undefined && code !== undefined && item.code !== code) continue;
    const cursor = String(entry[WORK_INDEXES.list.at]?.N);
    yield { id: item?.id ?? toWorkKey(entry).pk, cursor, item, read: () => row.read().entry };
  }
}

interface Range {
  readonly before?: number | undefined;
  readonly descending: boolean;
}

function loadDeadLetters(context: StoreContext, { before, descending }: Range) {
  const entries = context.work.query({ index: WORK_INDEXES.list, part: DEAD_LETTER_LIST, before, descending });
  return loadListed<DeadLetterRow>(context, entries);
}

/** Puts events back into the queue. Each is a separate commit; a repeated call continues where it ended. */
export async function redrive(context: StoreContext, ids: readonly string[], now: number): Promise<readonly string[]> {
  const unique = [...new Set(ids)];
  const found = await inParallel(unique, (id) => markSent(context, id, { at: now, isQueued: false }));
  const marked = unique.filter((_, index) => found[index]);
  for (const id of marked) await attemptLater(context, `sending ${id} again`, () => finishRedrive(context, id));
  return ids.filter((id, index) => marked.includes(id) && ids.indexOf(id) === index);
}

/** Removes entries. */
export async function dismiss(context: StoreContext, ids: readonly string[], now: number): Promise<readonly string[]> {
  const unique = [...new Set(ids)];
  // As one that is queued again already.
  const found = await inParallel(unique, (id) => markSent(context, id, { at: now, isQueued: true }));
  return unique.filter((_, index) => found[index]);
}

async function markSent(
  context: StoreContext,
  id: string,
  sentAgain: NonNullable<DeadLetterRow["sentAgain"]>,
): Promise<boolean> {
  return mutateRow<DeadLetterRow, boolean>(context, DEAD_LETTER, id, (row) => {
    if (row === undefined || row.sentAgain !== undefined) return { result: false };
    return { write: { ...row, sentAgain }, result: true };
  });
}

/** Queues an event that was marked, if that is not done. */
async function finishRedrive(context: StoreContext, id: string): Promise<void> {
  const marked = await loadRow(context, DEAD_LETTER, id);
  if (marked?.sentAgain === undefined || marked.sentAgain.isQueued) return;
  await enqueue(context, [{ event: marked.entry.event }]);
  await mutateRow<DeadLetterRow, void>(context, DEAD_LETTER, id, (row) => {
    if (row?.sentAgain === undefined) return { result: undefined };
    return { write: { ...row, sentAgain: { ...row.sentAgain, isQueued: true } }, result: undefined };
  });
}

/** Finishes redrives whose process has died. One that fails is tried again after a minute. */
export async function finishRedrives(context: StoreContext, now: number): Promise<void> {
  const marked = { index: WORK_INDEXES.sweep, part: "redriven", to: now, pageSize: REPAIRED_AT_ONCE };
  const due = await takeFirst(context.work.query(marked), REPAIRED_AT_ONCE);
  await inParallel(due, async (entry) => {
    const row = await loadRowAt<DeadLetterRow>(context, toWorkKey(entry));
    if (row === undefined) return;
    const { id } = row.entry;
    if (await attemptLater(context, `sending ${id} again`, () => finishRedrive(context, id))) return;
    const values = { ":at": now + REPAIR_AGAIN_MS };
    const update = { update: "SET sweepAt = :at", condition: "attribute_exists(pk)", values };
    await context.work.update(toWorkKey(entry), update);
  });
}
