import {
  afterPrefix,
  createStackCounter,
  matchesRecord,
  type StackCondition,
  type StackCounter,
  type StackCounts,
  type StackFilter,
  type StackGrouping,
  toRecordFilter,
} from "@stackyard/core/engine";
import type { Database, Statement } from "./database.ts";
import { fromKeyText, toKeyText } from "./key-text.ts";
import { type FetchedRow, withinBytes } from "./page-rows.ts";
import { CONDITIONS, HAS_PARKED, toConditions } from "./stack-conditions.ts";
import { REVISION, readStackRow, STACK_COLUMNS, type StackRow } from "./stack-data.ts";

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
