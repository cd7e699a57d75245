import {
  afterPrefix,
  checkStackFilter,
  createPageBuilder,
  createStackCounter,
  isInScopes,
  matchesMetadata,
  type Page,
  type PageInput,
  parseStored,
  type StackCondition,
  type StackCounter,
  type StackCounts,
  type StackFilter,
  type StackGroup,
  type StackGrouping,
  type StackScope,
  type StoredStack,
  TROUBLE,
  toMetadataTexts,
} from "@stackyard/core/engine";
import { byteLengthOf, type Database, type Parameter } from "./database.ts";
import type { GroupCommit } from "./group-commit.ts";

interface ListedRow {
  readonly stack_id: string;
  readonly version: number;
  readonly body: string;
}

/** The number of rows that one call reads: a filter that few stacks match returns short pages instead of blocking. */
const MAX_SCANNED = 10_000;

const BUSY = "busy = 1";
const CONDITIONS: Readonly<Record<StackCondition, string>> = {
  busy: BUSY,
  failed: `trouble is not null and trouble & ${TROUBLE.failed}`,
  stalled: `trouble is not null and trouble & ${TROUBLE.stalled}`,
  overdue: `trouble is not null and trouble & ${TROUBLE.overdue}`,
  approval: `trouble is not null and trouble & ${TROUBLE.approval}`,
  waiting: `(${BUSY} or trouble is not null or exists (select 1 from parked where parked.stack_id = stack.stack_id))`,
};

/** Stacks in order of ids. */
export function listStacks(database: Database, filter: StackFilter, page: PageInput): Page<StoredStack> {
  const after = page.cursor ?? "";
  const { conditions, values } = toConditions(filter);
  const scannedTo = conditions.length === 0 ? undefined : findScanEnd(database, filter, after);
  const { range, bounds } = toRange(filter);
  const rows = database.each<ListedRow>(
    `select stack_id, version, body from stack
      where stack_id > ? and stack_id <= ? and ${[...range, ...conditions].join(" and ")}
      order by stack_id limit ?`,
    after,
    scannedTo ?? afterPrefix(filter.idPrefix ?? ""),
    ...bounds,
    ...values,
    page.limit + 1,
  );
  const found = createPageBuilder<StoredStack>(page);
  for (const { stack_id: id, version, body } of rows) {
    const read = () => ({ version, stack: parseStored.stack(body, id) });
    if (!found.add({ id, cursor: id, bytes: byteLengthOf(body), read })) break;
  }
  return found.end(scannedTo);
}

/** Part of a statement, with the values of its parameters. */
interface Conditions {
  readonly conditions: readonly string[];
  readonly values: readonly Parameter[];
}

/** The ids that a filter can fit. */
function toRange({ idPrefix }: StackFilter) {
  const isThere = "body is not null";
  return idPrefix === undefined
    ? { range: [isThere], bounds: [] }
    : { range: [isThere, "stack_id >= ?"], bounds: [idPrefix] };
}

/** What else must hold. */
function toConditions(filter: StackFilter): Conditions {
  checkStackFilter(filter);
  const { machine, state, text, condition, revision, metadata, scopes } = filter;
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
  if (condition !== undefined) conditions.push(CONDITIONS[condition]);
  add("is_in_scopes(?, stack_id, machine)", scopes && JSON.stringify(scopes));
  add("has_metadata(?, body)", metadata && JSON.stringify({ metadata }));
  return { conditions, values };
}

/** The id at which the call ends its search; undefined when it reaches the end of the list. */
function findScanEnd(database: Database, filter: StackFilter, after: string): string | undefined {
  const prefix = filter.idPrefix ?? "";
  const row = database.get<{ stack_id: string }>(
    "select stack_id from stack where stack_id > ? and stack_id >= ? and stack_id <= ? order by stack_id limit 1 offset ?",
    after,
    prefix,
    afterPrefix(prefix),
    MAX_SCANNED - 1,
  );
  return row?.stack_id;
}

/** Functions of our statements. They are JavaScript: SQL would evaluate documents of any length again for each row. */
export function defineFilterFunctions({ connection }: Database): void {
  const readScopes = rememberLast((text) => JSON.parse(text) as readonly StackScope[]);
  connection.function("is_in_scopes", { deterministic: true }, (scopes, id, machine) =>
    isInScopes(readScopes(String(scopes)), String(id), String(machine)) ? 1 : 0,
  );
  const readMetadata = rememberLast((text) => {
    const filter = JSON.parse(text) as Pick<StackFilter, "metadata">;
    return { filter, texts: toMetadataTexts(filter) };
  });
  connection.function("has_metadata", { deterministic: true }, (wanted, body) => {
    const { filter, texts } = readMetadata(String(wanted));
    return typeof body === "string" && texts.every((text) => body.includes(text)) && hasMetadata(filter, body) ? 1 : 0;
  });
}

/** True for a damaged row too, so that a list reports it. */
function hasMetadata(filter: Pick<StackFilter, "metadata">, body: string): boolean {
  try {
    return matchesMetadata(filter, parseStored.stack(body, ""));
  } catch {
    return true;
  }
}

/** The same value for the same text, as long as no other comes. */
function rememberLast<Value>(read: (text: string) => Value): (text: string) => Value {
  let last: { readonly text: string; readonly value: Value } | undefined;
  return (text) => {
    if (last?.text !== text) last = { text, value: read(text) };
    return last.value;
  };
}

/** Rows that one read of a whole table looks at; other calls come between two of them. */
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
  const counts = names.map((name) => `sum(case when ${CONDITIONS[name]} then 1 else 0 end) as ${name}`);
  const row = database.get<Record<string, number | null>>(
    `select ${["count(*) as total", ...counts].join(", ")} from stack where ${conditions.join(" and ")}`,
    ...values,
  );
  counter.addToTotal(row?.["total"] ?? 0);
  for (const condition of names) counter.addToGroup({ condition, count: row?.[condition] ?? 0 });
}

function countGroups(
  database: Database,
  { conditions, values }: Conditions,
  by: Exclude<StackGrouping, "condition">,
  counter: StackCounter,
): void {
  const groups = database.all<StackGroup>(
    `select ${COLUMNS[by]}, count(*) as count from stack where ${conditions.join(" and ")} group by ${COLUMNS[by]}`,
    ...values,
  );
  for (const group of groups) {
    counter.addToTotal(group.count);
    counter.addToGroup(group);
  }
}

const CONDITION_NAMES = Object.keys(CONDITIONS) as readonly StackCondition[];

function toFilter(filter: StackFilter): Conditions {
  const { range, bounds } = toRange(filter);
  const { conditions, values } = toConditions(filter);
  const end = filter.idPrefix === undefined ? [] : [afterPrefix(filter.idPrefix)];
  return {
    conditions: [...range, ...end.map(() => "stack_id <= ?"), ...conditions],
    values: [...bounds, ...end, ...values],
  };
}
