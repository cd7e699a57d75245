import {
  afterPrefix,
  assertSortable,
  checkStackFilter,
  createPageBuilder,
  createStackCounter,
  type ListStacksInput,
  MAX_STACKS_READ,
  matchesRecord,
  type Page,
  type PageInput,
  type StackCondition,
  type StackCounter,
  type StackCounts,
  type StackFilter,
  type StackGrouping,
  type StackOrder,
  type StackScope,
  type StoredStack,
  toConditionSql,
  toRecordFilter,
  toRecordTexts,
  toStackOrder,
} from "@stackyard/core/engine";
import { fromKeyText, toKeyText } from "./column-values.ts";
import type { Database, Parameter, Statement } from "./database.ts";
import {
  addFetched,
  ENTERED_AT,
  type FetchedRow,
  maxBytesOf,
  parseStackRow,
  REVISION,
  readStackRow,
  STACK_COLUMNS,
  type StackRow,
  withinBytes,
} from "./stored-rows.ts";

/** Returns the stacks that match a filter, in the requested order. */
export async function listStacks(
  database: Database,
  filter: StackFilter,
  page: ListStacksInput,
): Promise<Page<StoredStack>> {
  const order = toStackOrder(page);
  return order.key === "id" ? listById(database, filter, page, order) : listByInstant(database, filter, page, order);
}

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
  const where = toConditions(filter, 5);
  const asked = toAsked(page, where);
  const first = after === undefined ? (isDescending ? afterPrefix(prefix) : "") : toKeyText(after.id);
  let end: ListedRow | undefined;
  const read = async (start: string) => {
    const values = [start, prefix, afterPrefix(prefix), asked, maxBytesOf(found), ...where.values];
    const rows = await database.rows<ListedRow>(toIdStatement(where, isDescending), ...values);
    end = rows.find((row) => !row.wanted);
    const wanted = { rows: rows.filter((row) => row.wanted), asked };
    return addFetched(found, wanted, (row) => toListed(row, filter, ({ id }) => id));
  };
  const last = await readOn(first, read, ({ id }) => id);
  // Where no row was kept back, the list continues behind the end of the search.
  const next = last ?? end;
  return found.end(next && fromKeyText(next.id));
}

/**
 * A page that the database cannot filter exactly is read on until it is full: that it ends at a stack which is left out would
 * say that this stack contains what was looked for, which may be a sensitive value.
 */
const MOST_READS = 100;
const ROUGH_ROWS = 101;

/** Reads until a page is full or its list ends. Returns the last row of a search that ends before both. */
async function readOn<Row, Start>(
  first: Start,
  read: (start: Start) => Promise<Row | undefined>,
  toStart: (last: Row) => Start,
): Promise<Row | undefined> {
  let start = first;
  for (let reads = 1; ; reads += 1) {
    const last = await read(start);
    if (last === undefined || reads === MOST_READS) return last;
    start = toStart(last);
  }
}

/** The rows to ask for: one more than fit the page, and at least some where many may be left out. */
function toAsked({ limit }: PageInput, { isRough }: Conditions): number {
  return isRough ? Math.max(limit + 1, ROUGH_ROWS) : limit + 1;
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
  select s.id from stackyard.stacks s where ${inRange} order by s.id ${direction} limit 1 offset ${MAX_STACKS_READ - 1}
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
  const where = toConditions(filter, 7);
  const asked = toAsked(page, where);
  const first = { value: after?.value ?? edge, id: toKeyText(after?.id ?? "") };
  const read = async (start: typeof first) => {
    const range = [prefix, afterPrefix(prefix), start.value, start.id, mostSorted + 1];
    const values = [...range, asked, maxBytesOf(found), ...where.values];
    const rows = await database.rows<SortedRow>(toSortStatement(where, order), ...values);
    if (start === first) assertSortable(order, rows[0]?.fitting ?? 0);
    return addFetched(found, { rows, asked }, (row) => toListed(row, filter, (own) => order.toCursor(own)));
  };
  const last = await readOn(first, read, ({ value, id }) => ({ value, id }));
  return found.end(last && order.toCursor({ value: last.value, id: fromKeyText(last.id) }));
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

const HAS_PARKED = "exists (select from stackyard.parked p where p.stack_id = s.id)";

/** A machine's name is a key text; those of the expressions are equal in both forms. */
const HEALTH = toConditionSql({
  machine: "s.machine",
  state: "s.state",
  trouble: "s.trouble",
  busy: "s.busy",
  hasParked: HAS_PARKED,
});

const GROUP_COLUMNS: Readonly<Record<Exclude<StackGrouping, "condition">, readonly string[]>> = {
  machine: ["s.machine"],
  state: ["s.machine", "s.state"],
  mainCondition: ["s.machine", HEALTH.main, HEALTH.needsPerson],
  revision: ["s.machine", REVISION],
};

/** The names in a statement of what is not a column. */
const COLUMN_NAMES: ReadonlyMap<string, string> = new Map([
  [REVISION, " as revision"],
  [HEALTH.main, ' as "mainCondition"'],
  [HEALTH.needsPerson, ' as "needsPerson"'],
]);

interface CountedRow {
  readonly machine?: string;
  readonly state?: string;
  readonly mainCondition?: string;
  readonly needsPerson?: boolean;
  readonly revision?: string;
  readonly count: number;
}

/** Counts the stacks that a filter fits. All rows in the range of ids are read. */
export async function countStacks(
  database: Database,
  filter: StackFilter,
  by: StackGrouping | undefined,
): Promise<StackCounts> {
  const counter = createStackCounter(by);
  if (toRecordFilter(filter) !== undefined) await countByReading(database, filter, counter);
  else if (by === undefined || by === "condition") await countConditions(database, filter, by, counter);
  else await countGroups(database, filter, by, counter);
  return counter.end();
}

interface CountParts {
  readonly columns: string;
  readonly groupBy?: string;
}

/** Returns a statement that counts, and its values. */
function toCount(filter: StackFilter, by: StackGrouping | "all", { columns, groupBy }: CountParts) {
  const prefix = toKeyText(filter.idPrefix ?? "");
  const where = toConditions(filter, 2);
  const conditions = ["s.id >= $1", "s.id <= $2", "s.machine is not null", ...where.conditions].join(" and ");
  const end = groupBy === undefined ? "" : ` group by ${groupBy}`;
  const statement: Statement = {
    name: ["count_stacks", by, ...where.names].join("_"),
    text: `select ${columns} from stackyard.stacks s where ${conditions}${end}`,
    isLong: true,
  };
  return { statement, values: [prefix, afterPrefix(prefix), ...where.values] };
}

async function countConditions(
  database: Database,
  filter: StackFilter,
  by: "condition" | undefined,
  counter: StackCounter,
): Promise<void> {
  const names = by === undefined ? [] : CONDITION_NAMES;
  const counts = names.map((name) => `count(*) filter (where ${HEALTH.conditions[name]}) as ${name}`);
  const { statement, values } = toCount(filter, by ?? "all", { columns: ["count(*) as total", ...counts].join(", ") });
  const row = await database.row<Record<string, number>>(statement, ...values);
  counter.addToTotal(row?.["total"] ?? 0);
  for (const condition of names) counter.addToGroup({ condition, count: row?.[condition] ?? 0 });
}

async function countGroups(
  database: Database,
  filter: StackFilter,
  by: Exclude<StackGrouping, "condition">,
  counter: StackCounter,
): Promise<void> {
  const groupBy = GROUP_COLUMNS[by].join(", ");
  const columns = GROUP_COLUMNS[by].map((column) => `${column}${COLUMN_NAMES.get(column) ?? ""}`);
  const { statement, values } = toCount(filter, by, { columns: [...columns, "count(*) as count"].join(", "), groupBy });
  for (const { count, needsPerson, ...group } of await database.rows<CountedRow>(statement, ...values)) {
    const names = Object.entries(group).map(([column, value]) => [column, fromKeyText(value)]);
    counter.addToTotal(count);
    counter.addToGroup({ ...Object.fromEntries(names), ...(needsPerson === true && { needsPerson }), count });
  }
}

interface ReadRow extends StackRow, FetchedRow {
  readonly parked: boolean;
}

/** Counts by reading the stacks that may match, page by page, for a filter that the database cannot evaluate. */
async function countByReading(database: Database, filter: StackFilter, counter: StackCounter): Promise<void> {
  const prefix = toKeyText(filter.idPrefix ?? "");
  const where = toConditions(filter, 5);
  const statement: Statement = {
    name: ["read_stacks", ...where.names].join("_"),
    text: withinBytes({
      rows: `select ${STACK_COLUMNS}, ${HAS_PARKED} as parked from stackyard.stacks s
              where s.id > $1 and s.id >= $2 and s.id <= $3 and ${where.conditions.join(" and ")} order by s.id limit $4`,
      body: "data",
      order: "id",
      maxBytes: "$5",
    }),
    isLong: true,
  };
  for (let after: string | undefined = ""; after !== undefined; ) {
    const values = [after, prefix, afterPrefix(prefix), READ_ROWS, READ_BYTES, ...where.values];
    const rows: readonly ReadRow[] = await database.rows<ReadRow>(statement, ...values);
    for (const row of rows) countRead(filter, row, counter);
    const fetched = rows[0]?.fetched ?? 0;
    after = fetched < READ_ROWS && fetched === rows.length ? undefined : rows.at(-1)?.id;
  }
}

function countRead(filter: StackFilter, row: ReadRow, counter: StackCounter): void {
  const read = readStackRow({ ...row, id: fromKeyText(row.id) });
  if (read.kind === "stack" && matchesRecord(filter, read.stack)) counter.add(read.stack, row.parked ? 1 : 0);
}

const READ_ROWS = 1_000;
const READ_BYTES = 1_048_576;

const CONDITION_NAMES = Object.keys(HEALTH.conditions) as readonly StackCondition[];

/**
 * The conditions of a filter apart from the range of ids, as part of a statement. `names` distinguish the statements.
 */
interface Conditions {
  readonly names: readonly string[];
  readonly conditions: readonly string[];
  readonly values: readonly Parameter[];
  /** The ids are given, so that no search through all of them is needed. */
  readonly hasIds: boolean;
  /** Rows that fit may not fit the filter. */
  readonly isRough: boolean;
}

/** Returns the conditions of a filter. `taken`: the number of earlier parameters in the statement. */
function toConditions(filter: StackFilter, taken: number): Conditions {
  checkStackFilter(filter);
  const { machine, state, text, mainCondition, revision, ids, scopes } = filter;
  const names: string[] = [];
  const conditions: string[] = [];
  const values: Parameter[] = [];
  const put = (value: Parameter) => `$${taken + values.push(value)}`;
  const add = (name: string, value: string | undefined, toSql: (parameter: string) => string) => {
    if (value === undefined) return;
    names.push(name);
    conditions.push(toSql(put(toKeyText(value))));
  };
  add("m", machine, (parameter) => `s.machine = ${parameter}`);
  add("s", state, (parameter) => `s.state = ${parameter}`);
  add("r", revision, (parameter) => `${REVISION} = ${parameter}`);
  add("t", text, (parameter) => `strpos(s.id, ${parameter}) > 0`);
  add("c", mainCondition, (parameter) => `(${HEALTH.main}) = ${parameter}`);
  for (const [name, demanded] of HEALTH.list(filter)) {
    names.push(name);
    conditions.push(demanded);
  }
  if (ids !== undefined) {
    names.push("ids");
    conditions.push(`s.id = any(${put(ids.map(toKeyText))}::text[])`);
  }
  const parts = scopes && joinScopes(scopes);
  if (parts !== undefined) {
    names.push(
      "in",
      ...parts.flatMap((part) =>
        part.machines && part.idPrefixes ? [] : Object.keys(part).map((key) => key.slice(0, 1)),
      ),
      `${parts.length}`,
    );
    conditions.push(parts.length === 0 ? "false" : `(${parts.map((part) => toScopeText(part, put)).join(" or ")})`);
  }
  for (const each of toRecordTexts(filter)) {
    names.push("d");
    conditions.push(`(s.foreign_write or strpos(s.data, ${put(each)}) > 0)`);
  }
  return { names, conditions, values, hasIds: ids !== undefined, isRough: names.includes("d") };
}

/**
 * Returns the same stacks in few parts: all scopes with only machines are one part, and so are those with only ids.
 * Undefined when one scope has no limit.
 */
function joinScopes(scopes: readonly StackScope[]): readonly StackScope[] | undefined {
  if (scopes.some(({ machines, idPrefixes }) => machines === undefined && idPrefixes === undefined)) return undefined;
  const machines = scopes.flatMap((scope) => (scope.idPrefixes === undefined ? (scope.machines ?? []) : []));
  const idPrefixes = scopes.flatMap((scope) => (scope.machines === undefined ? (scope.idPrefixes ?? []) : []));
  const both = scopes.filter((scope) => scope.machines !== undefined && scope.idPrefixes !== undefined);
  return [...(machines.length > 0 ? [{ machines }] : []), ...(idPrefixes.length > 0 ? [{ idPrefixes }] : []), ...both];
}

function toScopeText({ machines, idPrefixes }: StackScope, put: (value: Parameter) => string): string {
  const parts = [
    machines && `s.machine = any(${put(machines.map(toKeyText))}::text[])`,
    idPrefixes && `s.id ^@ any(${put(idPrefixes.map(toKeyText))}::text[])`,
  ];
  return `(${parts.filter((part) => part !== undefined).join(" and ")})`;
}

/** Evaluates what the database could not. An unreadable row matches, so that a list reports it. */
function fitsRecord(row: StackRow, filter: StackFilter): boolean {
  const wanted = toRecordFilter(filter);
  if (wanted === undefined) return true;
  const read = readStackRow(row);
  return read.kind === "unreadable" || matchesRecord(wanted, read.stack);
}
