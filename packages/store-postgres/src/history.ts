import {
  createPageBuilder,
  type HistoryFilter,
  type Page,
  type PageInput,
  type StoredHistoryEntry,
  toStartPosition,
} from "@stackyard/core/engine";
import { toComparedText, toKeyText } from "./column-values.ts";
import type { Database, Parameter, Statement } from "./database.ts";
import { type LineRow, parseLine } from "./line-text.ts";
import { toMeantRevision } from "./sql/history-functions.ts";
import { addFetched, type FetchedRow, maxBytesOf, withinBytes } from "./stored-rows.ts";

type HistoryRow = FetchedRow & LineRow;

/** The columns of a line, of `history` as `h`. */
const LINE_COLUMNS = `h.position, h.at, h.stack_id, h.event_id, h.body,
          ${toMeantRevision("h.revision")} as hash`;

/** Lists lines in order of positions. */
export async function listHistory(
  database: Database,
  filter: HistoryFilter,
  page: PageInput,
): Promise<Page<StoredHistoryEntry>> {
  const isOfAll = filter.stackId === undefined && filter.eventId === undefined;
  const found = createPageBuilder<StoredHistoryEntry>(page);
  const input = { ...page, maxBytes: maxBytesOf(found) };
  const rows = isOfAll ? await readAll(database, filter, input) : await readSome(database, filter, input);
  const next = addFetched(found, { rows, asked: page.limit + 1 }, (row) => ({
    id: String(row.position),
    cursor: String(row.position),
    bytes: Buffer.byteLength(row.body),
    read: () => ({ ...parseLine(row), position: row.position }),
  }));
  return found.end(next && String(next.position));
}

type ReadInput = PageInput & { readonly maxBytes: number };

const END = { name: "history_end", text: "select stackyard.history_end() as position" };
const FORWARD = {
  name: "list_history",
  text: withinBytes({
    rows: `select ${LINE_COLUMNS} from stackyard.history h
            where h.position > $1 and h.position <= $2 and h.body is not null order by h.position limit $3`,
    body: "body",
    order: "position",
    maxBytes: "$4",
  }),
};
const BACKWARD = {
  name: "list_history_newest",
  text: withinBytes({
    rows: `select ${LINE_COLUMNS} from stackyard.history h
            where h.position < $1 and h.position <= $2 and h.body is not null order by h.position desc limit $3`,
    body: "body",
    order: "position desc",
    maxBytes: "$4",
  }),
};

/**
 * Reads the history up to where it is complete, so that a reader that continues after the last line misses no late one.
 */
async function readAll(
  database: Database,
  { newestFirst }: HistoryFilter,
  { cursor, limit, maxBytes }: ReadInput,
): Promise<readonly HistoryRow[]> {
  const start = toStartPosition(cursor, newestFirst);
  const end = await database.row<{ position: number }>(END);
  const statement = newestFirst === true ? BACKWARD : FORWARD;
  return database.rows<HistoryRow>(statement, start, end?.position ?? 0, limit + 1, maxBytes);
}

/** Reads the lines of one stack, which are committed in order, or of one event; segment by segment. */
async function readSome(
  database: Database,
  { stackId, eventId, newestFirst }: HistoryFilter,
  { cursor, limit, maxBytes }: ReadInput,
): Promise<readonly HistoryRow[]> {
  const values: Parameter[] = [toStartPosition(cursor, newestFirst), limit + 1, maxBytes];
  const stack = stackId === undefined ? "" : `$${values.push(toKeyText(stackId))}`;
  const event = eventId === undefined ? "" : `$${values.push(toComparedText(eventId))}`;
  const isResult = eventId?.startsWith("result:") === true;
  const name = ["list_history", isResult ? "result" : event && "event", stack && "stack", newestFirst && "newest"];
  const sources = event === "" ? [`h.stack_id = ${stack}`] : toEventSources(event, isResult, stack);
  return database.rows<HistoryRow>(toHistoryStatement(name, sources, newestFirst === true), ...values);
}

/**
 * Returns the sources of an event's lines. An event has few lines, a stack may have many, so its own index is used.
 * Lines of results are not in it, and are found by the stack that the attempt's id begins with.
 */
function toEventSources(event: string, isResult: boolean, stack: string): readonly string[] {
  const ofStack = stack === "" ? "" : ` and h.stack_id || '' = ${stack}`;
  const byEvent = `hashtextextended(h.event_id, 0) = hashtextextended(${event}, 0) and h.event_id = ${event}
      and split_part(h.event_id, '/', 1) <> 'result:' || h.stack_id${ofStack}`;
  const byStack = `h.stack_id = substr(split_part(${event}, '/', 1), 8) and h.event_id = ${event}${ofStack}`;
  return isResult ? [byEvent, byStack] : [byEvent];
}

function toHistoryStatement(
  name: readonly (string | boolean | undefined)[],
  sources: readonly string[],
  newestFirst: boolean,
): Statement {
  const [first, last, step] = newestFirst ? ["max", "min", -1] : ["min", "max", 1];
  const [after, order] = newestFirst ? ["<", "desc"] : [">", "asc"];
  const lines = sources.map(
    (condition) => `
   (select ${LINE_COLUMNS} from stackyard.history h
     where h.position >> 15 = segment and ${condition} and h.position ${after} $1 and h.body is not null
     order by h.position ${order} limit $2)`,
  );
  const rows = `
select h.*
  from generate_series((select ${first}(position) >> 15 from stackyard.history),
                       (select ${last}(position) >> 15 from stackyard.history), ${step}) as segment
 cross join lateral (select * from (${lines.join(" union all")}) u order by u.position ${order} limit $2) h
 limit $2`;
  const text = withinBytes({ rows, body: "body", order: `position ${order}`, maxBytes: "$3" });
  return { name: name.filter(Boolean).join("_"), text };
}
