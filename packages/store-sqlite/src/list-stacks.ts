import {
  afterPrefix,
  assertSortable,
  checkStackFilter,
  comparePlaces,
  createPageBuilder,
  createStackCounter,
  isInScopes,
  type ListStacksInput,
  MAX_STACKS_READ,
  matchesRecord,
  type Page,
  type PageInput,
  parseStored,
  type RecordFilter,
  type StackCondition,
  type StackCounter,
  type StackCounts,
  type StackFilter,
  type StackGroup,
  type StackGrouping,
  type StackOrder,
  type StackPlace,
  type StackScope,
  type StoredStack,
  toConditionSql,
  toRecordFilter,
  toRecordTexts,
  toStackOrder,
} from "@stackyard/core/engine";
import { byteLengthOf, type Conditions, type Database, type Parameter, toGivenConditions } from "./database.ts";
import type { GroupCommit } from "./group-commit.ts";

interface ListedRow {
  readonly stack_id: string;
  readonly version: number;
  readonly body: string;
}

const HEALTH = toConditionSql({
  machine: "machine",
  state: "state",
  trouble: "trouble",
  busy: "busy = 1",
  hasParked: "exists (select 1 from parked where parked.stack_id = stack.stack_id)",
});

/** Returns the stacks that match a filter, in the requested order. */
export async function listStacks(
  commits: GroupCommit,
  filter: StackFilter,
  page: ListStacksInput,
): Promise<Page<StoredStack>> {
  const order = toStackOrder(page);
  if (order.key === "id") return commits.read(({ database }) => listById(database, filter, page, order));
  const places = await sortByInstant(commits, filter, page, order);
  return commits.read(({ database }) => readPlaces(database, places, page, order));
}

function listById(database: Database, filter: StackFilter, page: PageInput, order: StackOrder): Page<StoredStack> {
  const { conditions, values } = toConditions(filter);
  const range = toIdRange(filter, order);
  const scannedTo = conditions.length === 0 || filter.ids !== undefined ? undefined : findScanEnd(database, range);
  const rows = database.each<ListedRow>(
    `select stack_id, version, body from stack
      where ${[IS_THERE, ...range.conditions, ...(scannedTo ? [range.end] : []), ...conditions].join(" and ")}
      order by stack_id ${range.direction} limit ?`,
    ...[...range.values, ...(scannedTo ? [scannedTo] : []), ...values],
    page.limit + 1,
  );
  const found = createPageBuilder<StoredStack>(page);
  for (const row of rows) if (!found.add(toPageRow(row, row.stack_id))) break;
  return found.end(scannedTo);
}

function toPageRow({ stack_id: id, version, body }: ListedRow, cursor: string) {
  const read = () => ({ version, stack: parseStored.stack(body, id) });
  return { id, cursor, bytes: byteLengthOf(body), read };
}

/** Ids from the cursor on, in one direction. `end`: up to where a search goes. */
interface IdRange extends Conditions {
  readonly direction: "asc" | "desc";
  readonly end: string;
}

function toIdRange(
  { idPrefix }: StackFilter,
  { isDescending, after }: Pick<StackOrder, "isDescending" | "after">,
): IdRange {
  const given = toGivenConditions([
    [isDescending ? "stack_id < ?" : "stack_id > ?", after?.id],
    ["stack_id >= ?", idPrefix],
    ["stack_id <= ?", idPrefix === undefined ? undefined : afterPrefix(idPrefix)],
  ]);
  const [direction, end] = isDescending ? (["desc", "stack_id >= ?"] as const) : (["asc", "stack_id <= ?"] as const);
  return { ...given, direction, end };
}

/** Finds the id at which the call ends its search; undefined when it reaches the end of the list. */
function findScanEnd(database: Database, { conditions, values, direction }: IdRange): string | undefined {
  const select = `select stack_id from stack where ${["true", ...conditions].join(" and ")}
      order by stack_id ${direction} limit 1 offset ?`;
  const row = database.get<{ stack_id: string }>(select, ...values, MAX_STACKS_READ - 1);
  return row?.stack_id;
}

const INSTANTS = { createdAt: "created_at", updatedAt: "updated_at", enteredAt: "entered_at" } as const;

interface SortedRow extends StackPlace {
  readonly stack_no: number;
  /** Rows of the slice that the filter fits. */
  readonly fitting: number;
}

/**
 * Returns the positions of a page and one more, if there is one. Instants are not indexed: each commit would have to
 * write the index.
 */
async function sortByInstant(
  commits: GroupCommit,
  filter: StackFilter,
  { limit }: PageInput,
  order: StackOrder,
): Promise<readonly SortedRow[]> {
  const column = order.key === "id" ? "stack_id" : INSTANTS[order.key];
  const [direction, follows] = order.isDescending ? ["desc", "<"] : ["asc", ">"];
  const { after } = order;
  const where = toFilter(filter);
  let fitting = 0;
  let first: readonly SortedRow[] = [];
  await forSlices(commits, (database, slice) => {
    const behind = after === undefined ? [] : [`(${column}, stack_id) ${follows} (?, ?)`];
    const rows = database.all<SortedRow>(
      `select stack_no, stack_id as id, ${column} as value, count(*) over () as fitting from stack
        where ${[...slice.conditions, ...where.conditions, ...behind].join(" and ")}
        order by value ${direction}, id ${direction} limit ?`,
      ...[...slice.values, ...where.values, ...(after === undefined ? [] : [after.value, after.id])],
      limit + 1,
    );
    fitting += rows[0]?.fitting ?? 0;
    assertSortable(order, fitting);
    first = [...first, ...rows].sort((a, b) => comparePlaces(order, a, b)).slice(0, limit + 1);
  });
  return first;
}

/** Reads the stacks at these positions, without those that were removed meanwhile. */
function readPlaces(
  database: Database,
  places: readonly SortedRow[],
  page: PageInput,
  order: StackOrder,
): Page<StoredStack> {
  const found = createPageBuilder<StoredStack>(page);
  for (const place of places) {
    const select = `select stack_id, version, body from stack where stack_no = ? and ${IS_THERE}`;
    const row = database.get<ListedRow>(select, place.stack_no);
    if (row !== undefined && !found.add(toPageRow(row, order.toCursor(place)))) break;
  }
  const last = places.length > page.limit ? places.at(-1) : undefined;
  return found.end(last && order.toCursor(last));
}

const IS_THERE = "body is not null";

/** Returns the other conditions of a filter. */
function toConditions(filter: StackFilter): Conditions {
  checkStackFilter(filter);
  const { machine, state, text, mainCondition, revision, ids, scopes } = filter;
  const record = toRecordFilter(filter);
  const conditions: string[] = [];
  const values: Parameter[] = [];
  const add = (sql: string, value: string | undefined): void => {
    if (value === undefined) return;
    conditions.push(sql);
    values.push(value);
  };
  add("machine = ?", machine);
  add("state = ?", state);
  add("revision = ?", revision);
  add("instr(stack_id, ?) > 0", text);
  add(`(${HEALTH.main}) = ?`, mainCondition);
  for (const [, demanded] of HEALTH.list(filter)) conditions.push(demanded);
  add("stack_id in (select value from json_each(?))", ids && JSON.stringify(ids));
  add("is_in_scopes(?, stack_id, machine)", scopes && JSON.stringify(scopes));
  add("fits_record(?, body)", record && JSON.stringify(record));
  return { conditions, values };
}

/** Functions of our statements. They are JavaScript: SQL would evaluate documents of any length again for each row. */
export function defineFilterFunctions({ connection }: Database): void {
  const readScopes = rememberLast((text) => JSON.parse(text) as readonly StackScope[]);
  connection.function("is_in_scopes", { deterministic: true }, (scopes, id, machine) =>
    isInScopes(readScopes(String(scopes)), String(id), String(machine)) ? 1 : 0,
  );
  const readRecordFilter = rememberLast((text) => {
    const filter = JSON.parse(text) as RecordFilter;
    return { filter, texts: toRecordTexts(filter) };
  });
  connection.function("fits_record", { deterministic: true }, (wanted, body) => {
    const { filter, texts } = readRecordFilter(String(wanted));
    return typeof body === "string" && texts.every((text) => body.includes(text)) && fitsRecord(filter, body) ? 1 : 0;
  });
}

/** Returns true when a record matches the filter. Also true for a damaged row, so that a list reports it. */
function fitsRecord(filter: RecordFilter, body: string): boolean {
  try {
    return matchesRecord(filter, parseStored.stack(body, ""));
  } catch {
    return true;
  }
}

/** Caches the value of the last text. */
function rememberLast<Value>(read: (text: string) => Value): (text: string) => Value {
  let last: { readonly text: string; readonly value: Value } | undefined;
  return (text) => {
    if (last?.text !== text) last = { text, value: read(text) };
    return last.value;
  };
}

/** Rows that one read of a whole table examines; other calls run between two reads. */
const SLICE = 10_000;

/** Calls `read` for one slice of the table after the other. Each row is in one of them. */
async function forSlices(commits: GroupCommit, read: (database: Database, slice: Conditions) => void): Promise<void> {
  let last = Number.POSITIVE_INFINITY;
  for (let after = 0; after < last; after += SLICE) {
    await commits.read(({ database }) => {
      last = database.get<{ last: number | null }>("select max(stack_no) as last from stack")?.last ?? 0;
      read(database, { conditions: ["stack_no > ?", "stack_no <= ?"], values: [after, after + SLICE] });
    });
  }
}

const COLUMNS: Readonly<Record<Exclude<StackGrouping, "condition">, string>> = {
  machine: "machine",
  state: "machine, state",
  mainCondition: `machine, ${HEALTH.main}, ${HEALTH.needsPerson}`,
  revision: "machine, revision",
};

/** Counts the stacks that a filter fits. The table is read slice by slice. */
export async function countStacks(
  commits: GroupCommit,
  filter: StackFilter,
  by: StackGrouping | undefined,
): Promise<StackCounts> {
  const counter = createStackCounter(by);
  const where = toFilter(filter);
  await forSlices(commits, (database, slice) => {
    const conditions = [...slice.conditions, ...where.conditions];
    const values = [...slice.values, ...where.values];
    if (by === undefined || by === "condition") countConditions(database, { conditions, values }, by, counter);
    else countGroups(database, { conditions, values }, by, counter);
  });
  return counter.end();
}

function countConditions(
  database: Database,
  { conditions, values }: Conditions,
  by: "condition" | undefined,
  counter: StackCounter,
): void {
  const names = by === undefined ? [] : CONDITION_NAMES;
  const counts = names.map((name) => `sum(case when ${HEALTH.conditions[name]} then 1 else 0 end) as ${name}`);
  const select = `select ${["count(*) as total", ...counts].join(", ")} from stack where ${conditions.join(" and ")}`;
  const row = database.get<Record<string, number | null>>(select, ...values);
  counter.addToTotal(row?.["total"] ?? 0);
  for (const condition of names) counter.addToGroup({ condition, count: row?.[condition] ?? 0 });
}

function countGroups(
  database: Database,
  { conditions, values }: Conditions,
  by: Exclude<StackGrouping, "condition">,
  counter: StackCounter,
): void {
  const columns = COLUMNS[by];
  const named = columns
    .replace(HEALTH.main, `${HEALTH.main} as mainCondition`)
    .replace(HEALTH.needsPerson, `${HEALTH.needsPerson} as needsPerson`);
  const select = `select ${named}, count(*) as count from stack where ${conditions.join(" and ")} group by ${columns}`;
  const groups = database.all<CountedRow>(select, ...values);
  for (const { needsPerson, ...group } of groups) {
    counter.addToTotal(group.count);
    counter.addToGroup({ ...group, ...(needsPerson === 1 && { needsPerson: true }) });
  }
}

interface CountedRow extends Omit<StackGroup, "needsPerson"> {
  readonly needsPerson?: number;
}

const CONDITION_NAMES = Object.keys(HEALTH.conditions) as readonly StackCondition[];

function toFilter(filter: StackFilter): Conditions {
  const range = toIdRange(filter, { isDescending: false });
  const { conditions, values } = toConditions(filter);
  return { conditions: [IS_THERE, ...range.conditions, ...conditions], values: [...range.values, ...values] };
}
