import {
  createPageBuilder,
  type HistoryEntry,
  type HistoryFilter,
  type Page,
  type PageInput,
  parsePosition,
  type StoredHistoryEntry,
} from "@stackyard/core/engine";
import type { Aggregate, AttemptRow, OutboxEntry } from "./aggregate.ts";
import { fromItem, type Item, inParallel, type KeyRange, toItem } from "./database.ts";
import { MAX_ITEM_BYTES, toKeyPart, toSortable, toStackKey, type WorkKey } from "./keys.ts";
import { pack, readNumber, unpack } from "./stack-item.ts";
import {
  findLogEntry,
  findNamedStack,
  type LogEntry,
  loadPruneMark,
  readYardLog,
  SETTLES_MS,
  type StoreContext,
} from "./store-context.ts";
import { fillPage, loadListed, type ReadRow, takeFirst, tooLarge, tryRead, type WorkRow } from "./work-rows.ts";

/** The permanent record of one write: one item, so that its lines get their positions together or not at all. */
export interface HistoryRow {
  readonly stackId: string;
  readonly lines: readonly HistoryEntry[];
  /** Attempts that ended. */
  readonly ended: readonly AttemptRow[];
}

/** Returns the key of a write's row: in order of writes within its stack. */
function toHistoryKey(stackId: string, version: number): WorkKey {
  return toStackKey(stackId, `history#${toSortable(version)}`);
}

/**
 * Writes the history row of a write once. The first writer decides the positions of its lines; positions reserved by
 * other writers stay gaps. Lines of external events are written a second time, as an index by event.
 */
export async function writeHistory(context: StoreContext, stackId: string, outbox: OutboxEntry, isNew: boolean) {
  const { lines = [], ended = [] } = outbox;
  if (lines.length + ended.length === 0) return;
  const found = isNew ? undefined : await findHistory(context, stackId, outbox.version);
  const first = found === undefined ? await putHistory(context, stackId, outbox) : toFirst(found);
  const placed = lines.map((line, index) => ({ line, position: first + index }));
  const listed = placed.filter(({ line }) => !isFoundByAttempt(line.eventId, stackId));
  await inParallel(listed, ({ line, position }) =>
    context.work.put(toItem({ ...toEventLineKey(line.eventId, position), line })),
  );
}

/** Finds the row of a write. */
function findHistory({ work }: StoreContext, stackId: string, version: number): Promise<Item | undefined> {
  return work.get(toHistoryKey(stackId, version));
}

/**
 * Writes the row, and returns the position of its first line. Attempts that exceed the row are in separate rows behind
 * it.
 */
async function putHistory(context: StoreContext, stackId: string, outbox: OutboxEntry): Promise<number> {
  const { lines = [], ended = [], version, entry } = outbox;
  const [own = [], ...others] = splitEnded(ended);
  const key = toHistoryKey(stackId, version);
  await inParallel(others, (part, index) => {
    const facts = { first: 0, entry, endedAt: toEndedAt(part) };
    const behind = { ...key, sk: `${key.sk}+${toSortable(index)}` };
    return context.work.put(toHistoryItem(behind, { stackId, lines: [], ended: part }, facts));
  });
  const writtenAt = context.clock.now();
  const first = lines.length === 0 ? 0 : await context.listRow({ key, span: lines.length, writtenAt });
  const facts = { first, entry, lineAt: latest(lines.map(({ at }) => at)), endedAt: toEndedAt(own) };
  const item = toHistoryItem(key, { stackId, lines, ended: own }, facts);
  if (await context.work.put(item, { expression: "attribute_not_exists(pk)" })) return first;
  const found = await findHistory(context, stackId, version);
  return found === undefined ? first : toFirst(found);
}

/** Leaves room for the lines of the same row. */
const ENDED_BYTES = 128 * 1024;

/** Splits ended attempts into parts that fit into a row each; usually one. */
function splitEnded(ended: readonly AttemptRow[]): readonly (readonly AttemptRow[])[] {
  if (JSON.stringify(ended).length <= ENDED_BYTES) return [ended];
  const parts: AttemptRow[][] = [[]];
  let bytes = 0;
  for (const row of ended) {
    const size = pack(row).byteLength;
    if (bytes + size > ENDED_BYTES) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(row);
    bytes += size;
  }
  return parts;
}

function toEndedAt(ended: readonly AttemptRow[]): number | undefined {
  return latest(ended.map(({ settledAt = 0 }) => settledAt));
}

/** Throws `PAYLOAD_TOO_LARGE` for lines that no row has room for. */
export function checkLines(stackId: string, lines: readonly HistoryEntry[]): void {
  const most = MAX_ITEM_BYTES - ENDED_BYTES;
  if (JSON.stringify(lines).length <= most) return;
  const bytes = pack(lines).byteLength;
  if (bytes > most) throw tooLarge("history of the stack", stackId, bytes + ENDED_BYTES);
}

function latest(instants: readonly number[]): number | undefined {
  return instants.length === 0 ? undefined : instants.reduce((a, b) => Math.max(a, b));
}

/** The parts of a row that are separate attributes. */
export interface HistoryFacts {
  readonly first: number;
  readonly entry: number;
  /** The instant of the newest line, by its caller's clock; undefined without lines. */
  readonly lineAt?: number | undefined;
  /** The instant at which the last attempt ended; undefined without one. */
  readonly endedAt?: number | undefined;
}

/**
 * Converts a row to an item. With lines it is in the log of the yard, without them in the index of rows that prune
 * removes later.
 */
export function toHistoryItem(key: WorkKey, row: HistoryRow, facts: HistoryFacts): Item {
  const { first, entry, lineAt, endedAt } = facts;
  const span = row.lines.length;
  const listed = span === 0 ? { sweepKey: "ended", sweepAt: endedAt } : { first, span };
  return { ...toItem({ ...key, ...listed, entry, lineAt, endedAt }), row: { B: pack(row) } };
}

/** Parses an item of `toHistoryItem`. */
export function parseHistoryRow(item: Item): HistoryRow {
  return unpack(item["row"]?.B, "A row of the history") as HistoryRow;
}

/** Parses the parts of a row that are separate attributes. */
export function parseHistoryFacts(item: Item): HistoryFacts {
  const entry = readNumber(item, "entry") ?? 0;
  return { first: toFirst(item), entry, lineAt: readNumber(item, "lineAt"), endedAt: readNumber(item, "endedAt") };
}

const OF_AN_ATTEMPT = /^[a-z]+:(.*)$/s;

/** Returns the stack of the attempt in an event id such as `result:<attempt>`, or undefined for any other id. */
function findEventStack(eventId: string): string | undefined {
  const [, attemptId] = OF_AN_ATTEMPT.exec(eventId) ?? [];
  return attemptId === undefined ? undefined : findNamedStack(attemptId);
}

/** Returns true when a line of the stack is found by its event without a separate row. */
export function isFoundByAttempt(eventId: string, stackId: string): boolean {
  return findEventStack(eventId) === stackId;
}

/** Returns the key of a line's copy, which is found by its event. */
export function toEventLineKey(eventId: string, position: number): WorkKey {
  return { pk: `event#${toKeyPart(eventId)}`, sk: toSortable(position) };
}

/** A line of the history with its place. */
interface HistoryLine extends ReadRow<StoredHistoryEntry> {
  readonly position: number;
}

/** Reads the lines of a row. A row that cannot be read is one line at its first position. */
function readLines(item: Item): readonly HistoryLine[] {
  const first = toFirst(item);
  try {
    return parseHistoryRow(item).lines.map((entry, index) => {
      const line = { ...entry, position: first + index };
      return { position: line.position, item: line, read: () => line };
    });
  } catch (error) {
    const fail = (): never => {
      throw error;
    };
    return [{ position: first, item: undefined, read: fail }];
  }
}

/** Returns the position of a row's first line. */
function toFirst(item: Item): number {
  return Number(item["first"]?.N ?? 0);
}

/** Returns how many lines a row has. */
function toSpan(item: Item): number {
  return Number(item["span"]?.N ?? 0);
}

// Attempts that have ended wait in the item of their stack for the next line of its history, and are kept in its row.

/** A longer log is stored in a separate row, so that the item of the stack remains small. */
const INLINE_LOG = 256;

function toLogKey(attemptId: string): WorkKey {
  return { pk: `log#${toKeyPart(attemptId)}`, sk: "log" };
}

/** Returns true for a log that is written by `writeLog`. */
export function isLongLog(log: string | undefined): boolean {
  return log !== undefined && log.length > INLINE_LOG;
}

/** Writes a long log, before its attempt ends. */
export async function writeLog({ work }: StoreContext, attemptId: string, log: string | undefined): Promise<void> {
  await work.put(toItem({ ...toLogKey(attemptId), log: { text: log } }));
}

/** Returns the end of an attempt whose log was written by `writeLog`. */
export function withLogRow<Move extends { readonly attempt: AttemptRow }>(move: Move): Move {
  return { ...move, attempt: { ...move.attempt, log: "", hasLogRow: true } };
}

/** Reads the log of an attempt; undefined when it has no log. */
export async function readLog({ work }: StoreContext, { attemptId, log, hasLogRow }: AttemptRow) {
  if (hasLogRow !== true) return log;
  const item = await work.get(toLogKey(attemptId));
  const kept = item === undefined ? undefined : fromItem(item)["log"];
  return typeof kept === "object" && kept !== null && "text" in kept ? String(kept.text) : log;
}

/** Removes the log of an attempt that is pruned. */
export async function removeLog({ work }: StoreContext, { attemptId, hasLogRow }: AttemptRow): Promise<void> {
  if (hasLogRow === true) await work.remove(toLogKey(attemptId));
}

/** Lists the attempts of a stack that have ended, newest end first. Rows that cannot be read are left out. */
export async function* listEnded(
  context: StoreContext,
  stackId: string,
  aggregate: Aggregate,
): AsyncGenerator<AttemptRow, void, undefined> {
  const seen = new Set<string>();
  for await (const row of readEnded(context, stackId, aggregate)) {
    if (seen.has(row.attemptId)) continue;
    seen.add(row.attemptId);
    yield row;
  }
}

/** Reads the same; an attempt that is on its way to the history may come twice. */
async function* readEnded({ work }: StoreContext, stackId: string, { ended, outbox }: Aggregate) {
  yield* [...outbox.flatMap((entry) => entry.ended ?? []), ...ended].toReversed();
  const { pk: part, sk: prefix } = toStackKey(stackId, "history#");
  for await (const item of work.query({ part, prefix, descending: true, pageSize: 64 })) {
    yield* (tryRead(() => parseHistoryRow(item).ended).item ?? []).toReversed();
  }
}

type Lines = AsyncGenerator<HistoryLine, void, undefined>;

/** Lists lines in order of positions. */
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

/** Walks all lines of the narrowest list, from about the given position on. */
function walkAll(context: StoreContext, { stackId, eventId }: HistoryFilter, range: HistoryRange): Lines {
  if (eventId !== undefined) return walkEvent(context, { eventId, stackId }, range);
  return stackId === undefined ? walkYard(context, range) : walkStack(context, stackId, range);
}

/**
 * Walks lines of an event. Those of an attempt's end are found among those of its stack, all others by separate rows.
 */
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
  const { pk: part } = toEventLineKey(eventId, 0);
  const sk = after === undefined ? undefined : toSortable(after);
  const from = newestFirst ? undefined : sk;
  const to = newestFirst ? sk : undefined;
  for await (const item of work.query({ part, from, to, descending: newestFirst, pageSize })) {
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

/** Merges two lists in order of positions; a line that is in both comes once. */
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

/** Walks lines of the stack's own items, which are consistent. */
async function* walkStack(context: StoreContext, stackId: string, range: HistoryRange): Lines {
  const { newestFirst, pageSize } = range;
  const keys = await findStackRange(context, stackId, range);
  if (keys === undefined) return;
  for await (const item of context.work.query({ ...keys, descending: newestFirst, pageSize })) {
    const lines = readLines(item);
    yield* newestFirst ? lines.toReversed() : lines;
  }
}

/**
 * Returns the range that starts at the row with the cursor's position. If that row belongs to another stack or was
 * deleted, the range covers all rows of this stack, or no rows if the stack's newest line is not after the cursor.
 */
async function findStackRange(
  context: StoreContext,
  stackId: string,
  { after, newestFirst }: HistoryRange,
): Promise<KeyRange | undefined> {
  const { pk: part, sk: first } = toStackKey(stackId, "history#");
  const last = `${first}\u{10ffff}`;
  const key = after === undefined ? undefined : (await findLogEntry(context.work, after))?.key;
  const at = key?.pk === part ? key.sk : undefined;
  const [from, to] = newestFirst ? [first, at ?? last] : [at ?? first, last];
  const range = { part, from, to };
  if (after === undefined || at !== undefined || newestFirst) return range;
  const [newest] = await takeFirst(context.work.query({ ...range, descending: true, pageSize: 1 }), 1);
  const end = newest === undefined ? 0 : toFirst(newest) + toSpan(newest);
  return end > after + 1 ? range : undefined;
}

/** Walks all lines of the yard from about the given position on, as far as they are settled. */
function walkYard(context: StoreContext, range: HistoryRange): Lines {
  return range.newestFirst ? walkBack(context, range) : walkOn(context, range);
}

async function* walkOn(context: StoreContext, range: HistoryRange): Lines {
  for await (const { entry, item } of loadListed<WorkRow>(context, listSettled(context, range))) {
    // A row that was listed twice, as its writer was slow, counts at its own position.
    if (toFirst(entry) === toFirst(item)) yield* readLines(item);
  }
}

/** Lists rows of the log up to the first one that is about to be written. */
async function* listSettled(context: StoreContext, range: HistoryRange): AsyncGenerator<Item, void, undefined> {
  for await (const entry of readYardLog(context.work, range)) {
    if (await isUnwritten(context, entry)) return;
    yield toKeys(entry);
  }
}

async function* walkBack(context: StoreContext, range: HistoryRange): Lines {
  const end = range.after === undefined ? await findSettledEnd(context) : Number.POSITIVE_INFINITY;
  async function* list() {
    for await (const entry of readYardLog(context.work, range)) if (entry.first < end) yield toKeys(entry);
  }
  for await (const { entry, item } of loadListed<WorkRow>(context, list())) {
    if (toFirst(entry) === toFirst(item)) yield* readLines(item).toReversed();
  }
}

/** Returns the position of the first row that is about to be written; infinite without one. */
async function findSettledEnd(context: StoreContext): Promise<number> {
  let end = Number.POSITIVE_INFINITY;
  for await (const entry of readYardLog(context.work, { after: undefined, newestFirst: true })) {
    if (!isYoung(context, entry)) break;
    if (await isUnwritten(context, entry)) end = entry.first;
  }
  return end;
}

/** Returns true for a row that was listed and is missing, but may still be written. */
async function isUnwritten({ work, clock }: StoreContext, entry: LogEntry): Promise<boolean> {
  if (!isYoung({ clock }, entry) || (await work.get(entry.key)) !== undefined) return false;
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
