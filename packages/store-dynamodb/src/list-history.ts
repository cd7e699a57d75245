import { createPageBuilder, type Page, type StoredHistoryEntry } from "@stackyard/core/engine";
import { fromItem } from "./attributes.ts";
import type { Condition } from "./database.ts";
import { takeFirst } from "./find-due-keys.ts";
import { type HistoryLine, type HistoryRow, readLines, toEventLineKey, toFirst, toSpan } from "./history-row.ts";
import { toWorkKey } from "./load-listed.ts";
import { parseRow, type WorkRow } from "./mutate-row.ts";
import { fillPage, parsePosition, tryRead } from "./page.ts";
import type { HistoryFilter, PageInput } from "./port-types.ts";
import { type HistoryRange, startAt } from "./range-condition.ts";
import type { StoreContext } from "./store-context.ts";
import { findEntryOf, walkYard } from "./walk-yard.ts";
import { toSortable, toStackKey } from "./work-keys.ts";

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

async function* walkEvent(
  { work }: StoreContext,
  { eventId, stackId }: { readonly eventId: string; readonly stackId: string | undefined },
  range: HistoryRange,
): Lines {
  const { after, newestFirst, pageSize } = range;
  const { pk } = toEventLineKey(eventId, 0);
  const sortable = after === undefined ? undefined : toSortable(after);
  const condition = startAt({ key: "pk", value: pk, at: "sk", after: sortable, newestFirst });
  for await (const item of work.query({ condition, descending: newestFirst, pageSize })) {
    const line = tryRead(() => fromItem(item)["line"] as StoredHistoryEntry);
    const isOther = stackId !== undefined && line.item !== undefined && line.item.stackId !== stackId;
    if (!isOther) yield { ...line, position: Number(item["sk"]?.S) };
  }
}

/** From the stack's own items, which are consistent. */
async function* walkStack(context: StoreContext, stackId: string, range: HistoryRange): Lines {
  const { newestFirst, pageSize } = range;
  const condition = await toStackCondition(context, stackId, range);
  if (condition === undefined) return;
  for await (const item of context.work.query({ condition, descending: newestFirst, pageSize })) {
    const lines = readLines(item, () => parseRow<HistoryRow & WorkRow>(item));
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
  const entry = after === undefined ? undefined : await findEntryOf(context, after);
  const key = entry === undefined ? undefined : toWorkKey(entry);
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
