import type { Page, StoredHistoryEntry } from "@stackyard/core/engine";
import { fromItem } from "./attributes.ts";
import type { Condition } from "./database.ts";
import { takeFirst } from "./find-due-keys.ts";
import { HISTORY_LIST, type HistoryRow, listLines, toEventLineKey } from "./history-row.ts";
import { loadRowAt, parseRow, type WorkRow } from "./mutate-row.ts";
import { parsePosition, toPage } from "./page.ts";
import type { HistoryFilter, PageInput } from "./port-types.ts";
import type { StoreContext } from "./store-context.ts";
import { WORK_INDEXES } from "./table-definitions.ts";
import { toSortable, toStackKey } from "./work-keys.ts";

type KeptRow = HistoryRow & WorkRow;
type Lines = AsyncGenerator<StoredHistoryEntry, void, undefined>;

/**
 * A gap in the positions may be lines that somebody is about to write: a reader that went past them would never see
 * them. After so long they do not come any more.
 */
const GAP_SETTLES_MS = 10_000;

/** Lines in order of positions. */
export async function listHistory(
  context: StoreContext,
  filter: HistoryFilter,
  page: PageInput,
): Promise<Page<StoredHistoryEntry>> {
  const lines = await takeFirst(walk(context, filter, page), page.limit + 1);
  return toPage(
    lines,
    page.limit,
    (line) => String(line.position),
    (line) => line,
  );
}

async function* walk(context: StoreContext, filter: HistoryFilter, { cursor, limit }: PageInput): Lines {
  const after = parsePosition(cursor);
  const { stackId, newestFirst = false } = filter;
  const range = { after, newestFirst, pageSize: limit + 1 };
  const isPast = ({ position }: StoredHistoryEntry) =>
    after === undefined || (newestFirst ? position < after : position > after);
  for await (const line of walkAll(context, filter, range)) {
    if (isPast(line) && (stackId === undefined || line.stackId === stackId)) yield line;
  }
}

/** All that the narrowest list has. */
function walkAll(context: StoreContext, { stackId, eventId }: HistoryFilter, range: Range): Lines {
  if (eventId !== undefined) return walkEvent(context, eventId, range);
  if (stackId !== undefined) return walkStack(context, stackId, range);
  return range.newestFirst ? walkYardBack(context, range) : walkYard(context, range);
}

interface Range {
  readonly after: number | undefined;
  readonly newestFirst: boolean;
  readonly pageSize: number;
}

async function* walkEvent({ work }: StoreContext, eventId: string, { after, newestFirst, pageSize }: Range): Lines {
  const { pk } = toEventLineKey(eventId, 0);
  const condition = between({
    key: "pk",
    value: pk,
    at: "sk",
    after: after === undefined ? undefined : toSortable(after),
    newestFirst,
  });
  for await (const item of work.query({ condition, descending: newestFirst, pageSize })) {
    yield fromItem(item)["line"] as StoredHistoryEntry;
  }
}

/** From the stack's own items, which are consistent. */
async function* walkStack({ work }: StoreContext, stackId: string, { newestFirst, pageSize }: Range): Lines {
  const { pk, sk } = toStackKey(stackId, "history#");
  const condition = { expression: "pk = :pk AND begins_with(sk, :sk)", values: { ":pk": pk, ":sk": sk } };
  for await (const item of work.query({ condition, descending: newestFirst, pageSize })) {
    const lines = listLines(parseRow<KeptRow>(item));
    yield* newestFirst ? lines.toReversed() : lines;
  }
}

async function* walkYardBack(context: StoreContext, range: Range): Lines {
  const end = range.after === undefined ? await findSettledEnd(context, range.pageSize) : Number.POSITIVE_INFINITY;
  for await (const row of readYard(context, range)) {
    if (row.first < end) yield* listLines(row).toReversed();
  }
}

async function* walkYard(context: StoreContext, range: Range): Lines {
  const { after } = range;
  let expected = after === undefined ? undefined : after + 1;
  for await (const row of readYard(context, range)) {
    if (expected !== undefined && row.first > expected && isYoung(context, row)) return;
    yield* listLines(row);
    expected = row.first + row.lines.length;
  }
}

/** The position of the first row after a gap that may still be filled; infinite without one. */
async function findSettledEnd(context: StoreContext, pageSize: number): Promise<number> {
  let end = Number.POSITIVE_INFINITY;
  let above: KeptRow | undefined;
  for await (const row of readYard(context, { after: undefined, newestFirst: true, pageSize })) {
    if (above !== undefined && row.first + row.lines.length < above.first && isYoung(context, above)) end = above.first;
    if (!isYoung(context, row)) break;
    above = row;
  }
  return end;
}

function isYoung({ clock }: StoreContext, { writtenAt }: HistoryRow): boolean {
  return clock.now() - writtenAt < GAP_SETTLES_MS;
}

async function* readYard(context: StoreContext, { after, newestFirst, pageSize }: Range) {
  const { name, key, at } = WORK_INDEXES.list;
  // The row that the cursor stands in begins before it.
  const first = after === undefined ? undefined : newestFirst ? after : await findRowOf(context, after);
  const condition = between({ key, value: HISTORY_LIST, at, after: first, newestFirst });
  for await (const item of context.work.query({ index: name, condition, descending: newestFirst, pageSize })) {
    const { pk, sk } = fromItem(item);
    const row = await loadRowAt<KeptRow>(context, { pk: String(pk), sk: String(sk) });
    if (row !== undefined) yield row;
  }
}

/** Where the row begins that holds that position. */
async function findRowOf({ work }: StoreContext, position: number): Promise<number> {
  const { name, key, at } = WORK_INDEXES.list;
  const condition = between({ key, value: HISTORY_LIST, at, after: position, newestFirst: true });
  const [item] = await takeFirst(work.query({ index: name, condition, descending: true, pageSize: 1 }), 1);
  return item === undefined ? 0 : Number(item[at]?.N);
}

/** From that instant or text on, itself included. */
function between(input: {
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
