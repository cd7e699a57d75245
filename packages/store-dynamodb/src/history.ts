import type { HistoryEntry, StoredHistoryEntry } from "@stackyard/core/engine";
import type { OutboxEntry } from "./aggregate.ts";
import type { AttemptRow } from "./attempt-row.ts";
import { type Item, toItem } from "./attributes.ts";
import { inParallel } from "./in-parallel.ts";
import { MAX_ITEM_BYTES } from "./item-size.ts";
import { findNamedStack } from "./locate-attempt.ts";
import { tooLarge } from "./mutate-row.ts";
import { pack, unpack } from "./packed.ts";
import type { ReadRow } from "./page.ts";
import type { StoreContext } from "./store-context.ts";
import { toKeyPart, toSortable, toStackKey, type WorkKey } from "./work-keys.ts";

/** What one write leaves behind for good: one item, so that its lines have their positions together or not at all. */
export interface HistoryRow {
  readonly stackId: string;
  readonly lines: readonly HistoryEntry[];
  /** Attempts that ended. */
  readonly ended: readonly AttemptRow[];
}

/** Where the row of a write is: in order of writes within its stack. */
export function toHistoryKey(stackId: string, version: number): WorkKey {
  return toStackKey(stackId, `history#${toSortable(version)}`);
}

/**
 * Writes the row of a write, once: whoever comes first says which positions its lines have; what another one took stays a
 * gap. Lines of events from outside are written once more, to be found by their event.
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

/** The row of a write. */
export function findHistory({ work }: StoreContext, stackId: string, version: number): Promise<Item | undefined> {
  return work.get({ ...toHistoryKey(stackId, version) });
}

/** Gives the position of its first line. Attempts that it has no room for are in rows of their own behind it. */
async function putHistory(context: StoreContext, stackId: string, outbox: OutboxEntry): Promise<number> {
  const { lines = [], ended = [], version, entry } = outbox;
  const [own = [], ...others] = splitEnded(ended);
  const key = toHistoryKey(stackId, version);
  await inParallel(others, (part, index) => {
    const facts = { first: 0, entry, endedAt: toEndedAt(part) };
    const item = toHistoryItem(
      { ...key, sk: `${key.sk}+${toSortable(index)}` },
      { stackId, lines: [], ended: part },
      facts,
    );
    return context.work.put(item);
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

/** Parts that fit into a row each; one as a rule. */
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

/** What of a row is an attribute of its own. */
export interface HistoryFacts {
  readonly first: number;
  readonly entry: number;
  /** Of the newest line, by its caller's clock; undefined without lines. */
  readonly lineAt?: number | undefined;
  /** Of the last attempt that ended; undefined without one. */
  readonly endedAt?: number | undefined;
}

/** With lines it is in the log of the yard, without in the index of what prune removes one day. */
export function toHistoryItem(key: WorkKey, row: HistoryRow, facts: HistoryFacts): Item {
  const { first, entry, lineAt, endedAt } = facts;
  const span = row.lines.length;
  const listed = span === 0 ? { sweepKey: "ended", sweepAt: endedAt } : { first, span };
  return { ...toItem({ ...key, ...listed, entry, lineAt, endedAt }), row: { B: pack(row) } };
}

/** What `toHistoryItem` made. */
export function parseHistoryRow(item: Item): HistoryRow {
  return unpack(item["row"]?.B, "A row of the history") as HistoryRow;
}

/** What of a row is an attribute of its own. */
export function parseHistoryFacts(item: Item): HistoryFacts {
  const read = (name: string) => (item[name]?.N === undefined ? undefined : Number(item[name].N));
  return { first: toFirst(item), entry: read("entry") ?? 0, lineAt: read("lineAt"), endedAt: read("endedAt") };
}

const OF_AN_ATTEMPT = /^[a-z]+:(.*)$/s;

/** The stack of the attempt whose end an event tells, such as `result:<attempt>`; undefined where the id names none. */
export function findEventStack(eventId: string): string | undefined {
  const [, attemptId] = OF_AN_ATTEMPT.exec(eventId) ?? [];
  return attemptId === undefined ? undefined : findNamedStack(attemptId);
}

/** True when a line of the stack is found by its event without a row for that. */
export function isFoundByAttempt(eventId: string, stackId: string): boolean {
  return findEventStack(eventId) === stackId;
}

/** Where a line is once more, to be found by its event. */
export function toEventLineKey(eventId: string, position: number): WorkKey {
  return { pk: `event#${toKeyPart(eventId)}`, sk: toSortable(position) };
}

/** A line of the history with its place. */
export interface HistoryLine extends ReadRow<StoredHistoryEntry> {
  readonly position: number;
}

/** Reads the lines of a row. A row that cannot be read is one line at its first position. */
export function readLines(item: Item): readonly HistoryLine[] {
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

/** The position of a row's first line. */
export function toFirst(item: Item): number {
  return Number(item["first"]?.N ?? 0);
}

/** How many lines a row has. */
export function toSpan(item: Item): number {
  return Number(item["span"]?.N ?? 0);
}
