import type { Item } from "./attributes.ts";
import { takeFirst } from "./find-due-keys.ts";
import { HISTORY_LIST, type HistoryLine, type HistoryRow, readLines, toFirst, toSpan } from "./history-row.ts";
import { loadListed } from "./load-listed.ts";
import type { WorkRow } from "./mutate-row.ts";
import { type HistoryRange, startAt } from "./range-condition.ts";
import type { StoreContext } from "./store-context.ts";
import { WORK_INDEXES } from "./table-definitions.ts";

type KeptRow = HistoryRow & WorkRow;
type Lines = AsyncGenerator<HistoryLine, void, undefined>;

/**
 * A gap in the positions may be lines that somebody is about to write: a reader that went past them would never see
 * them. After so long they do not come any more.
 */
const GAP_SETTLES_MS = 10_000;

/** All lines of the yard from about there on, as far as they are settled. */
export function walkYard(context: StoreContext, range: HistoryRange): Lines {
  return range.newestFirst ? walkBack(context, range) : walkOn(context, range);
}

async function* walkOn(context: StoreContext, range: HistoryRange): Lines {
  const { after } = range;
  let expected = after === undefined ? undefined : after + 1;
  // The row that the cursor stands in begins before it.
  const row = after === undefined ? undefined : await findEntryOf(context, after);
  const entries = readEntries(context, { ...range, after: row === undefined ? after : toFirst(row) });
  for await (const { entry, read } of loadListed<KeptRow>(context, entries)) {
    const first = toFirst(entry);
    if (expected !== undefined && first > expected && isYoung(context, toWrittenAt(entry))) return;
    yield* readLines(entry, read);
    expected = first + toSpan(entry);
  }
}

async function* walkBack(context: StoreContext, range: HistoryRange): Lines {
  const end = range.after === undefined ? await findSettledEnd(context, range.pageSize) : Number.POSITIVE_INFINITY;
  for await (const { entry, read } of loadListed<KeptRow>(context, readEntries(context, range))) {
    if (toFirst(entry) < end) yield* readLines(entry, read).toReversed();
  }
}

/** The position of the first row after a gap that may still be filled; infinite without one. */
async function findSettledEnd(context: StoreContext, pageSize: number): Promise<number> {
  let end = Number.POSITIVE_INFINITY;
  let above: Item | undefined;
  for await (const entry of readEntries(context, { after: undefined, newestFirst: true, pageSize })) {
    const isGap = above !== undefined && toFirst(entry) + toSpan(entry) < toFirst(above);
    if (above !== undefined && isGap) end = toFirst(above);
    if (!isYoung(context, toWrittenAt(entry))) break;
    above = entry;
  }
  return end;
}

function isYoung({ clock }: StoreContext, writtenAt: number): boolean {
  return clock.now() - writtenAt < GAP_SETTLES_MS;
}

/** The index entry of the row that holds that position, if it is still there. */
export async function findEntryOf(context: StoreContext, position: number): Promise<Item | undefined> {
  const entries = readEntries(context, { after: position, newestFirst: true, pageSize: 1 });
  const [entry] = await takeFirst(entries, 1);
  return entry;
}

function readEntries({ work }: StoreContext, { after, newestFirst, pageSize }: HistoryRange) {
  const { name, key, at } = WORK_INDEXES.list;
  const condition = startAt({ key, value: HISTORY_LIST, at, after, newestFirst });
  return work.query({ index: name, condition, descending: newestFirst, pageSize });
}

function toWrittenAt(entry: Item): number {
  return Number(entry["writtenAt"]?.N);
}
