import {
  afterPrefix,
  assertSortable,
  createPageBuilder,
  type ListStacksInput,
  type Page,
  type PageInput,
  type StackFilter,
  type StackOrder,
  type StoredStack,
  toStackOrder,
} from "@stackyard/core/engine";
import type { Database, Statement } from "./database.ts";
import { fromKeyText, toKeyText } from "./key-text.ts";
import { addFetched, type FetchedRow, maxBytesOf, withinBytes } from "./page-rows.ts";
import { type Conditions, fitsRecord, toConditions } from "./stack-conditions.ts";
import { ENTERED_AT, parseStackRow, STACK_COLUMNS, type StackRow } from "./stack-data.ts";

/** Returns the stacks that match a filter, in the requested order. */
export async function listStacks(
  database: Database,
  filter: StackFilter,
  page: ListStacksInput,
): Promise<Page<StoredStack>> {
  const order = toStackOrder(page);
  return order.key === "id" ? listById(database, filter, page, order) : listByInstant(database, filter, page, order);
}

/** The number of rows that one call reads: a filter that few stacks match returns short pages instead of blocking. */
const MAX_SCANNED = 10_000;

interface ListedRow extends StackRow, FetchedRow {
  /** False for the row at which the call ends its search, when that does not pass the filter. */
  readonly wanted: boolean;
}

async function listById(
  database: Database,
  filter: StackFilter,
  page: PageInput,
  { isDescending, after }: StackOrder,
): Promise<Page<StoredStack>> {
  const prefix = toKeyText(filter.idPrefix ?? "");
  const found = createPageBuilder<StoredStack>(page);
  const start = after === undefined ? undefined : toKeyText(after.id);
  const range = [start ?? (isDescending ? afterPrefix(prefix) : ""), prefix, afterPrefix(prefix)];
  const where = toConditions(filter, range.length + 2);
  const values = [...range, page.limit + 1, maxBytesOf(found), ...where.values];
  const rows = await database.rows<ListedRow>(toIdStatement(where, isDescending), ...values);
  const wanted = rows.filter((row) => row.wanted);
  const next = addFetched(found, wanted, (row) => toListed(row, filter, ({ id }) => id));
  // Where no row was kept back, the list continues behind the end of the search.
  const end = rows.find((row) => !row.wanted);
  return found.end(next ?? (end && fromKeyText(end.id)));
}

function toListed<Row extends StackRow>(row: Row, filter: StackFilter, toCursor: (row: Row) => string) {
  const id = fromKeyText(row.id);
  const own = { ...row, id };
  const read = () => ({ version: row.version, stack: parseStackRow(own) });
  return { id, cursor: toCursor(own), bytes: Buffer.byteLength(row.data), read, isLeftOut: !fitsRecord(own, filter) };
}

function toIdStatement({ names, conditions, hasIds }: Conditions, isDescending: boolean): Statement {
  const [direction, follows, upTo, last] = isDescending ? ["desc", "<", ">=", "$2"] : ["asc", ">", "<=", "$3"];
  const name = ["list_stacks", ...(isDescending ? ["desc"] : []), ...names].join("_");
  const inRange = `s.id ${follows} $1 and s.id >= $2 and s.id <= $3`;
  const page = { body: "data", order: `id ${direction}`, maxBytes: "$5" };
  if (conditions.length === 0 || hasIds) {
    const where = [inRange, ...conditions].join(" and ");
    const rows = `select ${STACK_COLUMNS}, true as wanted from stackyard.stacks s where ${where}
                   order by s.id ${direction} limit $4`;
    return { name, text: withinBytes({ ...page, rows }) };
  }
  const text = `
with range_end as materialized (
  select s.id from stackyard.stacks s where ${inRange} order by s.id ${direction} limit 1 offset ${MAX_SCANNED - 1}
), found as materialized (
  select ${STACK_COLUMNS} from stackyard.stacks s
   where ${inRange} and s.id ${upTo} coalesce((select id from range_end), ${last}) and ${conditions.join(" and ")}
   order by s.id ${direction} limit $4
)
select f.*, true as wanted from (${withinBytes({ ...page, rows: "select * from found" })}) f
union all
select e.id, '', false, 0, 0, 0, 0, 0, false from range_end e where (select count(*) from found) < $4
 order by wanted desc, id ${direction}`;
  return { name, text };
}

// No index is on instants: each commit would have to write it.
const INSTANTS = {
  createdAt: "(extract(epoch from s.creation_time) * 1000)::bigint",
  updatedAt: "(extract(epoch from s.last_updated_time) * 1000)::bigint",
  enteredAt: ENTERED_AT,
} as const;

interface SortedRow extends StackRow, FetchedRow {
  readonly value: number;
  /** Rows that match the filter; counted up to one more than may be sorted. */
  readonly fitting: number;
}

async function listByInstant(
  database: Database,
  filter: StackFilter,
  page: PageInput,
  order: StackOrder,
): Promise<Page<StoredStack>> {
  const { isDescending, mostSorted, after } = order;
  const prefix = toKeyText(filter.idPrefix ?? "");
  const found = createPageBuilder<StoredStack>(page);
  const edge = isDescending ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER;
  const range = [prefix, afterPrefix(prefix), after?.value ?? edge, toKeyText(after?.id ?? ""), mostSorted + 1];
  const where = toConditions(filter, range.length + 2);
  const values = [...range, page.limit + 1, maxBytesOf(found), ...where.values];
  const rows = await database.rows<SortedRow>(toSortStatement(where, order), ...values);
  assertSortable(order, rows[0]?.fitting ?? 0);
  return found.end(addFetched(found, rows, (row) => toListed(row, filter, (own) => order.toCursor(own))));
}

function toSortStatement({ names, conditions }: Conditions, { key, isDescending }: StackOrder): Statement {
  const value = key === "id" ? "0" : INSTANTS[key];
  const [direction, follows] = isDescending ? ["desc", "<"] : ["asc", ">"];
  const order = `value ${direction}, id ${direction}`;
  const within = ["s.id >= $1", "s.id <= $2", `(${value}, s.id) ${follows} ($3, $4)`, ...conditions].join(" and ");
  return {
    name: ["stacks_by", key, direction, ...names].join("_"),
    text: `
with found as materialized (
  select s.id, ${value} as value from stackyard.stacks s where ${within} limit $5
), first as materialized (
  select id, value from found order by ${order} limit $6
)
${withinBytes({
  rows: `select ${STACK_COLUMNS}, f.value, (select count(*) from found) as fitting
           from first f join stackyard.stacks s on s.id = f.id`,
  body: "data",
  order,
  maxBytes: "$7",
})}`,
    isLong: true,
  };
}
