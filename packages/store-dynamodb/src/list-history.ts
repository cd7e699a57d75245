import { createPageBuilder, type Page, type StoredHistoryEntry } from "@stackyard/core/engine";
import { fromItem, type Item } from "./attributes.ts";
import type { Condition } from "./database.ts";
import { findEventStack, type HistoryLine, readLines, toEventLineKey, toFirst, toSpan } from "./history.ts";
import { loadListed, takeFirst } from "./load-listed.ts";
import type { WorkRow } from "./mutate-row.ts";
import { fillPage, parsePosition, tryRead } from "./page.ts";
import type { HistoryFilter, PageInput } from "./port-types.ts";
import type { StoreContext } from "./store-context.ts";
import { toSortable, toStackKey } from "./work-keys.ts";
import { findLogEntry, type LogEntry, loadPruneMark, readLog, SETTLES_MS } from "./yard-log.ts";

type Lines = AsyncGenerator<HistoryLine, void, undefined>;

/** Lines in order of positions. */
export async function listHistory(
  context: StoreContext,
  filter: HistoryFilter,
  page: PageInput,
): Promise<Page<StoredHistoryEntry>> {
  return fillPage(createPageBuilder<StoredHistoryEntry>(page), walk(context, filter, page));
}

async function* walk(context: StoreContext, filter: HistoryFilter, { cursor, limit }: PageInput) {
  const after = parsePosition(cursor);
  const { newestFirst = false } = filter;
  const isPast = ({ position }: HistoryLine) =>
    after === undefined || (newestFirst ? position < after : position > after);
  for await (const line of walkAll(context, filter, { after, newestFirst, pageSize: limit + 1 })) {
    const id = String(line.position);
    if (isPast(line)) yield { ...line, id, cursor: id };
  }
}

/** All that the narrowest list has, from about there on. */
function walkAll(context: StoreContext, { stackId, eventId }: HistoryFilter, range: HistoryRange): Lines {
  if (eventId !== undefined) return walkEvent(context, { eventId, stackId }, range);
  return stackId === undefined ? walkYard(context, range) : walkStack(context, stackId, range);
}

/** Lines of an attempt's end are found among those of its stack, all others by rows of their own. */
async function* walkEvent(
  context: StoreContext,
  { eventId, stackId }: { readonly eventId: string; readonly stackId: string | undefined },
  range: HistoryRange,
): Lines {
  const isWanted = (line: HistoryLine) =>
    stackId === undefined || line.item === undefined || line.item.stackId === stackId;
  const named = findEventStack(eventId);
  const found = walkEventRows(context, eventId, range);
  const ofAttempt = named === undefined ? [] : walkEventIn(context, named, eventId, range);
  for await (const line of mergeLines(found, ofAttempt, range)) if (isWanted(line)) yield line;
}

async function* walkEventRows({ work }: StoreContext, eventId: string, range: HistoryRange): Lines {
  const { after, newestFirst, pageSize } = range;
  const { pk } = toEventLineKey(eventId, 0);
  const sortable = after === undefined ? undefined : toSortable(after);
  const condition = startAt({ key: "pk", value: pk, at: "sk", after: sortable, newestFirst });
  for await (const item of work.query({ condition, descending: newestFirst, pageSize })) {
    const line = tryRead(() => fromItem(item)["line"] as StoredHistoryEntry);
    const position = Number(item["sk"]?.S);
    yield line.item === undefined
      ? { ...line, position }
      : { position, item: { ...line.item, position }, read: () => ({ ...line.read(), position }) };
  }
}

async function* walkEventIn(context: StoreContext, stackId: string, eventId: string, range: HistoryRange): Lines {
  for await (const line of walkStack(context, stackId, range)) {
    if (line.item?.eventId === eventId) yield line;
  }
}

/** Two lists in order of positions as one; a line that is in both comes once. */
async function* mergeLines(
  a: AsyncIterable<HistoryLine>,
  b: AsyncIterable<HistoryLine> | readonly HistoryLine[],
  { newestFirst }: HistoryRange,
): Lines {
  const rest: HistoryLine[] = [];
  for await (const line of b) rest.push(line);
  const isBefore = (one: HistoryLine, other: HistoryLine) =>
    newestFirst ? one.position > other.position : one.position < other.position;
  for await (const line of a) {
    for (let next = rest[0]; next !== undefined && isBefore(next, line); next = rest[0]) {
      yield next;
      rest.shift();
    }
    if (rest[0]?.position === line.position) rest.shift();
    yield line;
  }
  yield* rest;
}

/** From the stack's own items, which are consistent. */
async function* walkStack(context: StoreContext, stackId: string, range: HistoryRange): Lines {
  const { newestFirst, pageSize } = range;
  const condition = await toStackCondition(context, stackId, range);
  if (condition === undefined) return;
  for await (const item of context.work.query({ condition, descending: newestFirst, pageSize })) {
    const lines = readLines(item);
    yield* newestFirst ? lines.toReversed() : lines;
  }
}

/**
 * From the row that holds the cursor's position on. Where that row is another stack's or gone, all of this stack's rows
 * are read, unless its newest line is not past the cursor: then there are none to read.
 */
async function toStackCondition(
  context: StoreContext,
  stackId: string,
  { after, newestFirst }: HistoryRange,
): Promise<Condition | undefined> {
  const { pk, sk: first } = toStackKey(stackId, "history#");
  const last = `${first}\u{10ffff}`;
  const key = after === undefined ? undefined : (await findLogEntry(context.work, after))?.key;
  const at = key?.pk === pk ? key.sk : undefined;
  const [from, to] = newestFirst ? [first, at ?? last] : [at ?? first, last];
  const condition = {
    expression: "pk = :pk AND sk BETWEEN :from AND :to",
    values: { ":pk": pk, ":from": from, ":to": to },
  };
  if (after === undefined || at !== undefined || newestFirst) return condition;
  const newest = (await takeFirst(context.work.query({ condition, descending: true, pageSize: 1 }), 1))[0];
  const end = newest === undefined ? 0 : toFirst(newest) + toSpan(newest);
  return end > after + 1 ? condition : undefined;
}

/** All lines of the yard from about there on, as far as they are settled. */
function walkYard(context: StoreContext, range: HistoryRange): Lines {
  return range.newestFirst ? walkBack(context, range) : walkOn(context, range);
}

async function* walkOn(context: StoreContext, range: HistoryRange): Lines {
  for await (const { entry, item } of loadListed<WorkRow>(context, listSettled(context, range))) {
    // A row that was listed twice, as its writer was slow, counts where it says.
    if (toFirst(entry) === toFirst(item)) yield* readLines(item);
  }
}

/** Rows of the log up to the first one that is about to be written. */
async function* listSettled(context: StoreContext, range: HistoryRange): AsyncGenerator<Item, void, undefined> {
  for await (const entry of readLog(context.work, range)) {
    if (await isUnwritten(context, entry)) return;
    yield toKeys(entry);
  }
}

async function* walkBack(context: StoreContext, range: HistoryRange): Lines {
  const end = range.after === undefined ? await findSettledEnd(context) : Number.POSITIVE_INFINITY;
  async function* list() {
    for await (const entry of readLog(context.work, range)) if (entry.first < end) yield toKeys(entry);
  }
  for await (const { entry, item } of loadListed<WorkRow>(context, list())) {
    if (toFirst(entry) === toFirst(item)) yield* readLines(item).toReversed();
  }
}

/** The position of the first row that is about to be written; infinite without one. */
async function findSettledEnd(context: StoreContext): Promise<number> {
  let end = Number.POSITIVE_INFINITY;
  for await (const entry of readLog(context.work, { after: undefined, newestFirst: true })) {
    if (!isYoung(context, entry)) break;
    if (await isUnwritten(context, entry)) end = entry.first;
  }
  return end;
}

/** True for a row that was listed and is not there, but may still come. */
async function isUnwritten({ work, clock }: StoreContext, entry: LogEntry): Promise<boolean> {
  if (!isYoung({ clock }, entry) || (await work.get({ ...entry.key })) !== undefined) return false;
  return entry.first > (await loadPruneMark(work)).lines;
}

function isYoung({ clock }: Pick<StoreContext, "clock">, { writtenAt }: LogEntry): boolean {
  return clock.now() - writtenAt < SETTLES_MS;
}

function toKeys({ key, first }: LogEntry): Item {
  return { pk: { S: key.pk }, sk: { S: key.sk }, first: { N: String(first) } };
}

/** From where on lines of the history are read, and in which direction. */
interface HistoryRange {
  readonly after: number | undefined;
  readonly newestFirst: boolean;
  readonly pageSize: number;
}

/** One part of a table or an index, from that place on, itself included. */
function startAt(input: {
  readonly key: string;
  readonly value: string;
  readonly at: string;
  readonly after: string | number | undefined;
  readonly newestFirst: boolean;
}): Condition {
  const { key, value, at, after, newestFirst } = input;
  if (after === undefined) return { expression: `${key} = :key`, values: { ":key": value } };
  const expression = `${key} = :key AND ${at} ${newestFirst ? "<=" : ">="} :at`;
  return { expression, values: { ":key": value, ":at": after } };
}
