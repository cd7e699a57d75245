import { type CorrectedAttempt, MOST_LEASE_MS } from "@stackyard/core/attempt";
import { type Retention, toForgottenBefore } from "@stackyard/core/engine";
import { type Aggregate, type AttemptRow, EMPTY, isEmpty } from "./aggregate.ts";
import { correctRows } from "./correct-rows.ts";
import { fromItem, type Item, inParallel, toAttribute } from "./database.ts";
import { pruneDeadLetters } from "./event-queue.ts";
import {
  type HistoryFacts,
  type HistoryRow,
  isFoundByAttempt,
  parseHistoryFacts,
  parseHistoryRow,
  removeLog,
  toEventLineKey,
  toHistoryItem,
} from "./history.ts";
import { type KnownIds, packIds, toStackKey, unpackIds } from "./keys.ts";
import { changeStack, loadStack } from "./stack-home.ts";
import { readNumber, readShadowId, STACK_SHARDS } from "./stack-item.ts";
import {
  type LogEntry,
  loadPruneMark,
  type PruneMark,
  readYardLog,
  removeLocator,
  removePage,
  SETTLES_MS,
  type StoreContext,
  savePruneMark,
  toPage,
} from "./store-context.ts";
import { DUE_INDEX, WORK_INDEXES } from "./tables.ts";
import { takeFirst, toWorkKey } from "./work-rows.ts";

/** The most rows of one kind that one call removes. */
const AT_ONCE = 200;
const DAY_MS = 24 * 60 * 60 * 1000;
/** More than an item ever contains: with such a limit, no id leaves an item by its age. */
const MOST_IN_ITEM = 500;

/** Removes rows that are older than their retention; returns true when more is left. */
export async function prune(context: StoreContext, retention: Retention, now: number): Promise<boolean> {
  const limits = { lines: now - retention.historyMs, attempts: now - retention.settledAttemptMs };
  await pruneDeadLetters(context, now - retention.deadLetterMs);
  const isMore = await Promise.all([
    pruneHistory(context, limits),
    pruneEndedRows(context, limits),
    pruneByAge(context, "record", now + 1),
    pruneByAge(context, "sent-again", now - retention.deadLetterMs),
    pruneMovedIds(context, retention, now),
    pruneStacks(context, retention, limits, now),
    pruneAbsent(context, retention, limits, now),
    forgetRemoved(context, toForgottenBefore(retention, now)),
  ]);
  return isMore.some(Boolean);
}

/** The most stacks with distant work that one call reads. */
const LOOKED_AT = 1_000;

/**
 * Corrects the attempts of stacks whose next work is so far away that a clock that was ahead may have noted it. `takeDue`
 * corrects those of other stacks.
 */
export async function correctAttempts(context: StoreContext, now: number): Promise<readonly CorrectedAttempt[]> {
  if (!context.hasDueIndex) return [];
  const from = now + MOST_LEASE_MS;
  const shards = Array.from({ length: STACK_SHARDS }, (_, shard) => shard);
  const most = Math.ceil(LOOKED_AT / STACK_SHARDS);
  const found = await inParallel(shards, (part) =>
    takeFirst(context.stacks.query({ index: DUE_INDEX, part, from, pageSize: most }), most),
  );
  const corrected = await inParallel(
    found.flat().flatMap(({ id }) => id?.S ?? []),
    (id) => correctAttemptsOf(context, id, now),
  );
  return corrected.flat();
}

function correctAttemptsOf(context: StoreContext, stackId: string, now: number): Promise<readonly CorrectedAttempt[]> {
  return changeStack<readonly CorrectedAttempt[]>(context, stackId, (aggregate) => {
    const { attempts, corrected: result } = correctRows(aggregate.attempts, now);
    return result.length === 0 ? { result } : { next: { ...aggregate, attempts }, result };
  });
}

/** Lines and ended attempts have separate retention times. */
interface Limits {
  readonly lines: number;
  readonly attempts: number;
}

/**
 * Prunes the history in order of positions. Attempts with a shorter retention than lines are removed from their rows
 * when prune reaches them.
 */
async function pruneHistory(context: StoreContext, limits: Limits): Promise<boolean> {
  const { work } = context;
  const mark = await loadPruneMark(work);
  const oldest = await takeFirst(readYardLog(work, { after: mark.lines, newestFirst: false }), AT_ONCE);
  const old = await pruneRows(context, oldest, limits, { mark, isPast: ({ lineAt = 0 }) => lineAt < limits.lines });
  await removePages(context, oldest.slice(0, old), { from: mark.lines, kept: oldest[old] });
  const next = await takeFirst(readYardLog(work, { after: mark.attempts, newestFirst: false }), AT_ONCE);
  const isPast = ({ lineAt = 0, endedAt = lineAt }: HistoryFacts) => endedAt < limits.attempts;
  const stripped = await pruneRows(context, next, limits, { mark, isPast });
  const toEnd = (entry: LogEntry | undefined) => (entry === undefined ? 0 : entry.first + entry.span - 1);
  const lines = Math.max(mark.lines, toEnd(oldest[old - 1]));
  const attempts = Math.max(mark.attempts, toEnd(next[stripped - 1]));
  if (lines > mark.lines || attempts > mark.attempts) await savePruneMark(work, { lines, attempts });
  return old === AT_ONCE || stripped === AT_ONCE;
}

/** Pages of the log before the first row that is kept; the last page stays. */
async function removePages(
  { work }: StoreContext,
  gone: readonly LogEntry[],
  { from, kept = gone.at(-1) }: { readonly from: number; readonly kept: LogEntry | undefined },
): Promise<void> {
  const pages = new Set([from, ...gone.map(({ first }) => first)].map(toPage));
  const past = [...pages].filter((page) => kept !== undefined && page < toPage(kept.first));
  await inParallel(past, (page) => removePage(work, page));
}

/** Prunes rows up to the first one that is too young. Returns how many. */
async function pruneRows(
  context: StoreContext,
  entries: readonly LogEntry[],
  limits: Limits,
  { mark, isPast }: { readonly mark: PruneMark; readonly isPast: (facts: HistoryFacts) => boolean },
): Promise<number> {
  const rows = await inParallel(entries, async (entry) => {
    const item = await context.work.get(entry.key);
    // One that was just listed may still come.
    const mayCome = entry.first > mark.lines && context.clock.now() - entry.writtenAt < SETTLES_MS;
    return { item, isOld: item === undefined ? !mayCome : isPast(parseHistoryFacts(item)) };
  });
  const young = rows.findIndex(({ isOld }) => !isOld);
  const old = young === -1 ? rows : rows.slice(0, young);
  const found = old.flatMap(({ item }) => (item === undefined ? [] : [item]));
  await inParallel(found, (item) => pruneRow(context, item, limits));
  return old.length;
}

/** Removes the old parts of a row, and the row when it is empty. */
async function pruneRow(context: StoreContext, item: Item, limits: Limits): Promise<void> {
  const facts = parseHistoryFacts(item);
  const isOld = (at: number | undefined, before: number) => at !== undefined && at < before;
  const linesAreOld = isOld(facts.lineAt, limits.lines);
  const attemptsAreOld = isOld(facts.endedAt, limits.attempts);
  const row = parseHistoryRow(item);
  if (linesAreOld) await forgetLines(context, row, facts.first);
  if (attemptsAreOld) await forgetAttempts(context, row.stackId, row.ended);
  const kept = { ...row, lines: linesAreOld ? [] : row.lines, ended: attemptsAreOld ? [] : row.ended };
  const key = toWorkKey(item);
  if (kept.lines.length + kept.ended.length === 0) await context.work.remove(key);
  else if (linesAreOld || attemptsAreOld) {
    const lineAt = linesAreOld ? undefined : facts.lineAt;
    const endedAt = attemptsAreOld ? undefined : facts.endedAt;
    const left = toHistoryItem(key, kept, { ...facts, lineAt, endedAt });
    await context.work.put(left, { expression: "attribute_exists(pk)" });
  }
}

async function forgetLines(context: StoreContext, { stackId, lines }: HistoryRow, first: number): Promise<void> {
  const placed = lines.map(({ eventId }, index) => ({ eventId, position: first + index }));
  const listed = placed.filter(({ eventId }) => !isFoundByAttempt(eventId, stackId));
  await inParallel(listed, ({ eventId, position }) => context.work.remove(toEventLineKey(eventId, position)));
}

async function forgetAttempts(context: StoreContext, stackId: string, ended: readonly AttemptRow[]): Promise<void> {
  await inParallel(ended, async (row) => {
    await removeLog(context, row);
    await removeLocator(context, row.attemptId, stackId);
  });
}

/** Prunes rows without lines, which are found by the last end of their attempts. */
async function pruneEndedRows(context: StoreContext, limits: Limits): Promise<boolean> {
  const old = await findOld(context, "ended", limits.attempts);
  await inParallel(old, async (entry) => {
    const item = await context.work.get(toWorkKey(entry));
    if (item !== undefined) await pruneRow(context, item, limits);
  });
  return old.length === AT_ONCE;
}

/** Finds the oldest entries of a kind in the sweep index from before that instant. */
function findOld({ work }: StoreContext, kind: string, before: number): Promise<readonly Item[]> {
  return takeFirst(work.query({ index: WORK_INDEXES.sweep, part: kind, before, pageSize: AT_ONCE }), AT_ONCE);
}

/** Prunes items by their index entry alone; the item must still have it. */
async function pruneByAge(context: StoreContext, kind: string, before: number): Promise<boolean> {
  const { at } = WORK_INDEXES.sweep;
  const old = await findOld(context, kind, before);
  const condition = { expression: `${at} < :before`, values: { ":before": before } };
  await inParallel(old, (entry) => context.work.remove(toWorkKey(entry), condition));
  return old.length >= AT_ONCE;
}

/**
 * Counts how many of the oldest ids are removed. `firstNo`: the number of the first one; without it they are the last
 * of all. Pure.
 */
export function countOld(
  known: Pick<KnownIds, "ids" | "idCount"> & { readonly firstNo?: number },
  { eventIdMs, eventIdCount }: Pick<Retention, "eventIdMs" | "eventIdCount">,
  now: number,
): number {
  const { ids, idCount, firstNo = idCount - ids.length + 1 } = known;
  const kept = ids.findIndex(([, at], index) => at >= now - eventIdMs || idCount - (firstNo + index) < eventIdCount);
  return kept === -1 ? ids.length : kept;
}

/** The last ids of a stack are kept while it is there. */
function toOwnRetention({ stack }: Pick<Aggregate, "stack">, retention: Retention): Retention {
  return stack === undefined ? { ...retention, eventIdCount: 0 } : retention;
}

/** Prunes ids that have left their stack's item. Those kept because of their number are checked again after a day. */
async function pruneMovedIds(context: StoreContext, retention: Retention, now: number): Promise<boolean> {
  const old = await findOld(context, "ids", now - retention.eventIdMs);
  await inParallel(old, async (entry) => {
    const item = await context.work.get(toWorkKey(entry));
    if (item === undefined) return;
    const { ids, count: firstNo } = unpackIds(item["ids"]?.B);
    const { stackId } = fromItem({ stackId: item["stackId"] ?? { S: "" } });
    const { aggregate } = await loadStack(context, String(stackId));
    const gone = countOld({ ids, idCount: aggregate.idCount, firstNo }, toOwnRetention(aggregate, retention), now);
    const kept = ids.slice(gone);
    const next = kept[0];
    if (next === undefined) await context.work.remove(toWorkKey(item));
    else {
      const sweepAt = toAttribute(gone === 0 ? now - retention.eventIdMs + DAY_MS : next[1]);
      const left = { ...item, ids: { B: packIds(kept, firstNo + gone) }, sweepAt };
      await context.work.put(left, { expression: "attribute_exists(pk)" });
    }
  });
  return old.length >= AT_ONCE;
}

const STACKS_MARK = { pk: "yard", sk: "prune" };

/** Prunes ids and ended attempts in items of stacks. Reads the stacks' table once a day. */
async function pruneStacks(context: StoreContext, retention: Retention, limits: Limits, now: number): Promise<boolean> {
  const { stacks, work } = context;
  const mark = await work.get(STACKS_MARK);
  const doneAt = mark && readNumber(mark, "doneAt");
  if (doneAt !== undefined && now >= doneAt && now - doneAt < DAY_MS) return false;
  const attributes = ["id", "version"];
  const page = await stacks.scan({ attributes, pageSize: AT_ONCE, from: mark?.["from"]?.M });
  const ours = page.items.flatMap(({ id, version }) => (version === undefined ? [] : (id?.S ?? [])));
  await inParallel(ours, (id) => pruneStack(context, id, retention, limits, now));
  const next = page.next === undefined ? { doneAt: toAttribute(now) } : { from: { M: page.next } };
  await work.put({ pk: { S: STACKS_MARK.pk }, sk: { S: STACKS_MARK.sk }, ...next });
  return page.next !== undefined;
}

/** Prunes ids and ended attempts of absent stacks. */
async function pruneAbsent(context: StoreContext, retention: Retention, limits: Limits, now: number): Promise<boolean> {
  const old = [
    ...(await findOld(context, "tombstone", now - retention.eventIdMs)),
    ...(await findOld(context, "shadow", Number.MAX_SAFE_INTEGER)),
  ];
  const pruned = await inParallel(old, (entry) => pruneStack(context, readShadowId(entry), retention, limits, now));
  return pruned.filter(Boolean).length >= AT_ONCE;
}

/** Prunes one stack. Returns true when something was removed. */
async function pruneStack(
  context: StoreContext,
  stackId: string,
  retention: Retention,
  limits: Limits,
  now: number,
): Promise<boolean> {
  const removed: AttemptRow[] = [];
  const isPruned = await changeStack<boolean>(context, stackId, (aggregate) => {
    const isOldEnd = ({ settledAt = limits.attempts }: AttemptRow) => settledAt < limits.attempts;
    removed.splice(0, removed.length, ...aggregate.ended.filter(isOldEnd));
    const own = toOwnRetention(aggregate, retention);
    const old = own.eventIdCount >= MOST_IN_ITEM ? 0 : countOld(aggregate, own, now);
    // The last one of a removed stack is the instant of its removal.
    const gone = aggregate.stack === undefined ? Math.min(old, Math.max(0, aggregate.ids.length - 1)) : old;
    if (gone + removed.length === 0) return { result: false };
    const ended = aggregate.ended.filter((row) => !isOldEnd(row));
    return { next: { ...aggregate, ids: aggregate.ids.slice(gone), ended }, result: true };
  });
  await forgetAttempts(context, stackId, removed);
  return isPruned;
}

/** Forgets stacks that were removed before that instant, and of which nothing is left. */
async function forgetRemoved(context: StoreContext, before: number): Promise<boolean> {
  const old = await findOld(context, "gone", before);
  const forgotten = await inParallel(old, (entry) => forgetStack(context, readShadowId(entry), before));
  return forgotten.filter(Boolean).length >= AT_ONCE;
}

/**
 * Forgets the version of a removed stack. Rows of the history have it in their keys, so that none may be left: a later
 * stack of that id begins its versions again.
 */
async function forgetStack(context: StoreContext, stackId: string, before: number): Promise<boolean> {
  const { pk: part } = toStackKey(stackId, "");
  const rows = await takeFirst(context.work.query({ part, pageSize: 2 }), 2);
  if (rows.length > 1) return false;
  return changeStack<boolean>(context, stackId, (aggregate) => {
    const isLeft = !isEmpty({ ...aggregate, ids: [], idCount: 0 });
    const removedAt = aggregate.ids.at(-1)?.[1] ?? before;
    return isLeft || removedAt >= before ? { result: false } : { next: EMPTY, result: true };
  });
}
