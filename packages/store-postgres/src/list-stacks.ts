import {
  afterPrefix,
  checkStackFilter,
  createPageBuilder,
  createStackCounter,
  matchesMetadata,
  type Page,
  type PageInput,
  type StackCondition,
  type StackCounter,
  type StackCounts,
  type StackFilter,
  type StackGrouping,
  type StackScope,
  type StoredStack,
  TROUBLE,
  toMetadataTexts,
} from "@stackyard/core/engine";
import type { Database, Parameter, Statement } from "./database.ts";
import { fromKeyText, toKeyText } from "./key-text.ts";
import { addFetched, type FetchedRow, maxBytesOf, withinBytes } from "./page-rows.ts";
import { parseStackRow, readStackRow, STACK_COLUMNS, type StackRow } from "./stack-data.ts";

/** The number of rows that one call reads: a filter that few stacks match returns short pages instead of blocking. */
const MAX_SCANNED = 10_000;

const HAS_PARKED = "exists (select from stackyard.parked p where p.stack_id = s.id)";
const CONDITIONS: Readonly<Record<StackCondition, string>> = {
  busy: "s.busy",
  failed: `s.trouble & ${TROUBLE.failed} <> 0`,
  stalled: `s.trouble & ${TROUBLE.stalled} <> 0`,
  overdue: `s.trouble & ${TROUBLE.overdue} <> 0`,
  approval: `s.trouble & ${TROUBLE.approval} <> 0`,
  waiting: `(s.busy or s.trouble is not null or ${HAS_PARKED})`,
};

interface ListedRow extends StackRow, FetchedRow {
  /** False for the row at which the call ends its search, when that does not pass the filter. */
  readonly wanted: boolean;
}

/** Stacks in order of ids. */
export async function listStacks(database: Database, filter: StackFilter, page: PageInput): Promise<Page<StoredStack>> {
  const prefix = toKeyText(filter.idPrefix ?? "");
  const where = toConditions(filter, 5);
  const statement = { name: ["list_stacks", ...where.names].join("_"), text: toText(where.conditions) };
  const found = createPageBuilder<StoredStack>(page);
  const range = [toKeyText(page.cursor ?? ""), prefix, afterPrefix(prefix)];
  const values = [...range, page.limit + 1, maxBytesOf(found), ...where.values];
  const rows = await database.rows<ListedRow>(statement, ...values);
  const wanted = rows.filter((row) => row.wanted);
  const next = addFetched(found, wanted, (row) => toListed(row, filter));
  // Where no row was kept back, the list continues behind the end of the search.
  const end = rows.find((row) => !row.wanted);
  return found.end(next ?? (end && fromKeyText(end.id)));
}

function toListed(row: StackRow, filter: StackFilter) {
  const id = fromKeyText(row.id);
  const read = () => ({ version: row.version, stack: parseStackRow({ ...row, id }) });
  return { id, cursor: id, bytes: Buffer.byteLength(row.data), read, isLeftOut: !fitsMetadata({ ...row, id }, filter) };
}

/** What the server could not tell. A row that cannot be read fits, so that a list reports it. */
function fitsMetadata(row: StackRow, filter: StackFilter): boolean {
  if (filter.metadata === undefined) return true;
  const read = readStackRow(row);
  return read.kind === "unreadable" || matchesMetadata(filter, read.stack);
}

/** What of a filter is not a range of ids, as part of a statement. `names` distinguish the statements. */
interface Conditions {
  readonly names: readonly string[];
  readonly conditions: readonly string[];
  readonly values: readonly Parameter[];
}

/** `taken`: parameters of the statement before these. */
function toConditions(filter: StackFilter, taken: number): Conditions {
  checkStackFilter(filter);
  const { machine, state, text, condition, revision, scopes } = filter;
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
  if (condition !== undefined) {
    names.push(condition);
    conditions.push(CONDITIONS[condition]);
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
  for (const each of toMetadataTexts(filter)) {
    names.push("d");
    conditions.push(`(s.foreign_write or strpos(s.data, ${put(each)}) > 0)`);
  }
  return { names, conditions, values };
}

/**
 * The same stacks in few parts: what is limited by machines alone is one part, and so for ids. Undefined where one scope has
 * no limit.
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

const RANGE = "s.id > $1 and s.id >= $2 and s.id <= $3";

function toText(conditions: readonly string[]): string {
  if (conditions.length === 0) {
    const rows = `select ${STACK_COLUMNS}, true as wanted from stackyard.stacks s where ${RANGE} order by s.id limit $4`;
    return withinBytes({ rows, body: "data", order: "id", maxBytes: "$5" });
  }
  const fitting = withinBytes({ rows: "select * from found", body: "data", order: "id", maxBytes: "$5" });
  return `
with range_end as materialized (
  select s.id from stackyard.stacks s where ${RANGE} order by s.id limit 1 offset ${MAX_SCANNED - 1}
), found as materialized (
  select ${STACK_COLUMNS} from stackyard.stacks s
   where ${RANGE} and s.id <= coalesce((select id from range_end), $3) and ${conditions.join(" and ")}
   order by s.id limit $4
)
select f.*, true as wanted from (${fitting}) f
union all
select e.id, '', false, 0, 0, 0, 0, 0, false from range_end e where (select count(*) from found) < $4
 order by wanted desc, id`;
}

const HEAD = `substring(s.data from '^\\{"machineHash":"([^"\\\\]*)"')`;
/** The revision in a record of ours, whose first member it is; one of the predecessor has none. */
const REVISION = `case when s.foreign_write then '' else coalesce(${HEAD}, '') end`;

const GROUP_COLUMNS: Readonly<Record<Exclude<StackGrouping, "condition">, readonly string[]>> = {
  machine: ["s.machine"],
  state: ["s.machine", "s.state"],
  revision: ["s.machine", REVISION],
};

interface CountedRow {
  readonly machine?: string;
  readonly state?: string;
  readonly revision?: string;
  readonly count: number;
}

const CONDITION_NAMES = Object.keys(CONDITIONS) as readonly StackCondition[];

/** Counts the stacks that a filter fits. All rows in the range of ids are read. */
export async function countStacks(
  database: Database,
  filter: StackFilter,
  by: StackGrouping | undefined,
): Promise<StackCounts> {
  const counter = createStackCounter(by);
  if (filter.metadata !== undefined) await countByReading(database, filter, counter);
  else if (by === undefined || by === "condition") await countConditions(database, filter, by, counter);
  else await countGroups(database, filter, by, counter);
  return counter.end();
}

interface CountParts {
  readonly columns: string;
  readonly groupBy?: string;
}

/** A statement that counts, and its values. */
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
  const counts = names.map((name) => `count(*) filter (where ${CONDITIONS[name]}) as ${name}`);
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
  const columns = GROUP_COLUMNS[by].map((column) => (column === REVISION ? `${column} as revision` : column));
  const { statement, values } = toCount(filter, by, { columns: [...columns, "count(*) as count"].join(", "), groupBy });
  for (const { count, ...group } of await database.rows<CountedRow>(statement, ...values)) {
    const names = Object.entries(group).map(([column, value]) => [column, fromKeyText(value)]);
    counter.addToTotal(count);
    counter.addToGroup({ ...Object.fromEntries(names), count });
  }
}

interface ReadRow extends StackRow, FetchedRow {
  readonly parked: boolean;
}

/** Where the server cannot tell which stacks fit, those that may are read, a page at a time. */
async function countByReading(database: Database, filter: StackFilter, counter: StackCounter): Promise<void> {
  const prefix = toKeyText(filter.idPrefix ?? "");
  const where = toConditions(filter, 5);
  const statement: Statement = {
    name: ["read_stacks", ...where.names].join("_"),
    text: withinBytes({
      rows: `select ${STACK_COLUMNS}, ${HAS_PARKED} as parked from stackyard.stacks s
              where ${RANGE} and ${where.conditions.join(" and ")} order by s.id limit $4`,
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
  if (read.kind === "stack" && matchesMetadata(filter, read.stack)) counter.add(read.stack, row.parked ? 1 : 0);
}

const READ_ROWS = 1_000;
const READ_BYTES = 1_048_576;
