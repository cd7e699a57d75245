import {
  createPageBuilder,
  type HistoryEntry,
  type Page,
  type PageInput,
  parseStored,
  type StoredHistoryEntry,
} from "@stackyard/core/engine";
import type { Database, Parameter } from "./database.ts";
import { byteLengthOf, parsePosition } from "./page.ts";
import { SEGMENT_ROWS, type Sequence, segmentOf } from "./sequence.ts";
import type { Transaction } from "./transaction.ts";

interface HistoryRow {
  readonly position: number;
  readonly body: string;
}

/** Whose history is wanted, and in which direction. */
export interface HistoryFilter {
  readonly stackId?: string;
  readonly eventId?: string;
  readonly newestFirst?: boolean;
}

/** Appends a line. */
export function recordHistory(transaction: Transaction, entry: HistoryEntry): void {
  const { database, store } = transaction;
  database.run(
    "insert into history (position, stack_id, event_id, at, body) values (?, ?, ?, ?, ?)",
    store.positions.next(),
    entry.stackId,
    entry.eventId,
    entry.at,
    JSON.stringify(entry),
  );
  transaction.signal("history");
}

/** Lines in order of positions; those of a stack or an event are looked up segment by segment. */
export function listHistory(
  database: Database,
  positions: Sequence,
  filter: HistoryFilter,
  page: PageInput,
): Page<StoredHistoryEntry> {
  const rows = filter.stackId === undefined && filter.eventId === undefined ? readAll : readBySegment;
  const found = createPageBuilder<StoredHistoryEntry>(page);
  for (const { position, body } of rows(database, positions, filter, page)) {
    const id = String(position);
    const read = () => ({ ...parseStored.historyEntry(body, `line ${id} of the history`), position });
    if (!found.add({ id, cursor: id, bytes: byteLengthOf(body), read })) break;
  }
  return found.end();
}

const NEWER = "position > ? order by position limit ?";
const OLDER = "position < ? order by position desc limit ?";

function readAll(
  database: Database,
  _positions: Sequence,
  filter: HistoryFilter,
  page: PageInput,
): Iterable<HistoryRow> {
  return database.each<HistoryRow>(
    `select position, body from history where ${filter.newestFirst === true ? OLDER : NEWER}`,
    startOf(filter, page),
    page.limit + 1,
  );
}

function* readBySegment(
  database: Database,
  positions: Sequence,
  filter: HistoryFilter,
  page: PageInput,
): Generator<HistoryRow, void, undefined> {
  const { conditions, values } = toConditions(filter);
  const sql = `select position, body from history where position >> 15 = ? and ${conditions.join(" and ")}
                  and ${filter.newestFirst === true ? OLDER : NEWER}`;
  const start = startOf(filter, page);
  for (const segment of listSegments(database, positions, filter, start)) {
    yield* database.each<HistoryRow>(sql, segment, ...values, start, page.limit + 1);
  }
}

function toConditions(filter: HistoryFilter): { readonly conditions: string[]; readonly values: Parameter[] } {
  const conditions: string[] = [];
  const values: Parameter[] = [];
  if (filter.eventId !== undefined) {
    conditions.push("event_id = ?");
    values.push(filter.eventId);
  }
  if (filter.stackId !== undefined) {
    // An event has few lines, a stack may have many: with both, the index by event is the one to use.
    conditions.push(filter.eventId === undefined ? "stack_id = ?" : "+stack_id = ?");
    values.push(filter.stackId);
  }
  return { conditions, values };
}

function startOf(filter: HistoryFilter, page: PageInput): number {
  return parsePosition(page.cursor) ?? (filter.newestFirst === true ? Number.MAX_SAFE_INTEGER : -1);
}

function* listSegments(
  database: Database,
  positions: Sequence,
  filter: HistoryFilter,
  start: number,
): Generator<number> {
  const row = database.get<{ oldest: number | null }>("select min(position) as oldest from history");
  if (row?.oldest == null) return;
  const oldest = segmentOf(row.oldest);
  const newest = segmentOf(positions.last);
  if (filter.newestFirst === true) {
    for (let segment = Math.min(newest, segmentOf(start)); segment >= oldest; segment -= 1) yield segment;
  } else {
    for (let segment = Math.max(oldest, Math.floor(start / SEGMENT_ROWS)); segment <= newest; segment += 1)
      yield segment;
  }
}
