import type { Page, StoredHistoryEntry } from "@stackyard/core/engine";
import { fromItem } from "./attributes.ts";
import type { Condition } from "./database.ts";
import { takeFirst } from "./find-due-keys.ts";
import { type HistoryRow, listLines, toEventLineKey } from "./history-row.ts";
import { toWorkKey } from "./load-listed.ts";
import { parseRow, type WorkRow } from "./mutate-row.ts";
import { parsePosition, toPage } from "./page.ts";
import type { HistoryFilter, PageInput } from "./port-types.ts";
import { type HistoryRange, startAt } from "./range-condition.ts";
import type { StoreContext } from "./store-context.ts";
import { findEntryOf, walkYard } from "./walk-yard.ts";
import { toSortable, toStackKey } from "./work-keys.ts";

type Lines = AsyncGenerator<StoredHistoryEntry, void, undefined>;

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
  const isPast = ({ position }: StoredHistoryEntry) =>
    after === undefined || (newestFirst ? position < after : position > after);
  for await (const line of walkAll(context, filter, { after, newestFirst, pageSize: limit + 1 })) {
    if (isPast(line) && (stackId === undefined || line.stackId === stackId)) yield line;
  }
}

/** All that the narrowest list has, from about there on. */
function walkAll(context: StoreContext, { stackId, eventId }: HistoryFilter, range: HistoryRange): Lines {
  if (eventId !== undefined) return walkEvent(context, eventId, range);
  return stackId === undefined ? walkYard(context, range) : walkStack(context, stackId, range);
}

async function* walkEvent({ work }: StoreContext, eventId: string, range: HistoryRange): Lines {
  const { after, newestFirst, pageSize } = range;
  const { pk } = toEventLineKey(eventId, 0);
  const sortable = after === undefined ? undefined : toSortable(after);
  const condition = startAt({ key: "pk", value: pk, at: "sk", after: sortable, newestFirst });
  for await (const item of work.query({ condition, descending: newestFirst, pageSize })) {
    yield fromItem(item)["line"] as StoredHistoryEntry;
  }
}

/** From the stack's own items, which are consistent. */
async function* walkStack(context: StoreContext, stackId: string, range: HistoryRange): Lines {
  const { newestFirst, pageSize } = range;
  const condition = await toStackCondition(context, stackId, range);
  for await (const item of context.work.query({ condition, descending: newestFirst, pageSize })) {
    const lines = listLines(parseRow<HistoryRow & WorkRow>(item));
    yield* newestFirst ? lines.toReversed() : lines;
  }
}

/** From the cursor's own row on; from the beginning when that is not there any more. */
async function toStackCondition(
  context: StoreContext,
  stackId: string,
  { after, newestFirst }: HistoryRange,
): Promise<Condition> {
  const { pk, sk: first } = toStackKey(stackId, "history#");
  const last = `${first}\u{10ffff}`;
  const entry = after === undefined ? undefined : await findEntryOf(context, after);
  const key = entry === undefined ? undefined : toWorkKey(entry);
  const at = key?.pk === pk ? key.sk : undefined;
  const [from, to] = newestFirst ? [first, at ?? last] : [at ?? first, last];
  return { expression: "pk = :pk AND sk BETWEEN :from AND :to", values: { ":pk": pk, ":from": from, ":to": to } };
}
