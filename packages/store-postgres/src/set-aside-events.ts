import { createPageBuilder, type Page, type PageInput, parseStored, type SetAsideEvent } from "@stackyard/core/engine";
import type { Database } from "./database.ts";
import { fromKeyText, toKeyText } from "./key-text.ts";
import { addFetched, type FetchedRow, maxBytesOf, parsePosition, withinBytes } from "./page.ts";
import { toEventRow } from "./work-queue.ts";

interface SetAsideRow {
  readonly id: string;
  readonly body: string;
}

interface ListedRow extends SetAsideRow, FetchedRow {
  readonly position: number;
}

const LIST = {
  name: "list_set_aside",
  text: withinBytes({
    rows: `select position, id, body from stackyard.set_aside
            where position < $1 and ($2::text is null or stack_id = $2) and ($3::text is null or code = $3)
            order by position desc limit $4`,
    body: "body",
    order: "position desc",
    maxBytes: "$5",
  }),
};

/** Newest first. */
export async function listSetAside(
  database: Database,
  filter: { readonly stackId?: string; readonly code?: string },
  page: PageInput,
): Promise<Page<SetAsideEvent>> {
  const found = createPageBuilder<SetAsideEvent>(page);
  const rows = await database.rows<ListedRow>(
    LIST,
    parsePosition(page.cursor) ?? Number.MAX_SAFE_INTEGER,
    filter.stackId === undefined ? null : toKeyText(filter.stackId),
    filter.code === undefined ? null : toKeyText(filter.code),
    page.limit + 1,
    maxBytesOf(found),
  );
  const next = addFetched(found, rows, (row) => ({
    id: fromKeyText(row.id),
    cursor: String(row.position),
    bytes: Buffer.byteLength(row.body),
    read: () => parseSetAside(row),
  }));
  return found.end(next);
}

function parseSetAside({ id, body }: SetAsideRow): SetAsideEvent {
  return parseStored.setAside(body, `event ${JSON.stringify(fromKeyText(id))} that was set aside`);
}

const FIND = { name: "find_set_aside", text: "select id, body from stackyard.set_aside where id = any($1)" };
const REDRIVE = { name: "redrive", text: "select stackyard.redrive($1, $2) as ids" };

/** Queues the events again under their ids. Gives the ids of the entries that were found, in the order given. */
export async function redrive(database: Database, ids: readonly string[]): Promise<readonly string[]> {
  const keys = ids.map(toKeyText);
  const entries = await database.rows<SetAsideRow>(FIND, keys);
  const events = entries.map(parseSetAside).map(({ id, event }) => ({ id: toKeyText(id), event: toEventRow(event) }));
  const order = new Map(keys.map((key, index) => [key, index]));
  events.sort((a, b) => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0));
  const rows = events.map(({ event }, index) => ({ n: index + 1, ...event }));
  const row = await database.row<{ ids: readonly string[] | null }>(
    REDRIVE,
    events.map(({ id }) => id),
    JSON.stringify(rows),
  );
  return (row?.ids ?? []).map(fromKeyText);
}
