import {
  createPageBuilder,
  type Page,
  type PageInput,
  type StackFilter,
  type StoredStack,
} from "@stackyard/core/engine";
import type { Database, Parameter } from "./database.ts";
import { fromKeyText, toKeyText } from "./key-text.ts";
import { addFetched, afterPrefix, type FetchedRow, maxBytesOf, withinBytes } from "./page.ts";
import { parseStackRow, STACK_COLUMNS, type StackRow, TROUBLE } from "./stack-data.ts";
import type { Statement } from "./statement.ts";

/** Rows that one call looks at: a filter that few stacks pass gives short pages instead of a long pause. */
const MAX_SCANNED = 10_000;

const CONDITIONS: Readonly<Record<NonNullable<StackFilter["condition"]>, string>> = {
  busy: "s.busy",
  failed: `s.trouble & ${TROUBLE.failed} <> 0`,
  stalled: `s.trouble & ${TROUBLE.stalled} <> 0`,
  overdue: `s.trouble & ${TROUBLE.overdue} <> 0`,
  waiting: `(s.busy or s.trouble is not null
             or exists (select from stackyard.parked p where p.stack_id = s.id))`,
};

interface ListedRow extends StackRow, FetchedRow {
  /** False for the row at which the call ends its search, when that does not pass the filter. */
  readonly wanted: boolean;
}

/** Stacks in order of ids. */
export async function listStacks(database: Database, filter: StackFilter, page: PageInput): Promise<Page<StoredStack>> {
  const { statement, values } = toStatement(filter);
  const prefix = toKeyText(filter.idPrefix ?? "");
  const found = createPageBuilder<StoredStack>(page);
  const rows = await database.rows<ListedRow>(
    statement,
    toKeyText(page.cursor ?? ""),
    prefix,
    afterPrefix(prefix),
    page.limit + 1,
    maxBytesOf(found),
    ...values,
  );
  const next = addFetched(
    found,
    rows.filter(({ wanted }) => wanted),
    (row) => {
      const id = fromKeyText(row.id);
      const read = () => ({ version: row.version, stack: parseStackRow({ ...row, id }) });
      return { id, cursor: id, bytes: Buffer.byteLength(row.data), read };
    },
  );
  // Where no row was kept back, the list continues behind the end of the search.
  const end = rows.find(({ wanted }) => !wanted);
  return found.end(next ?? (end && fromKeyText(end.id)));
}

/** Prepared once for each set of filters. */
function toStatement(filter: StackFilter): { readonly statement: Statement; readonly values: readonly Parameter[] } {
  const { machine, state, condition } = filter;
  const conditions: string[] = [];
  const values: Parameter[] = [];
  for (const [column, value] of [["machine", machine] as const, ["state", state] as const]) {
    if (value === undefined) continue;
    values.push(toKeyText(value));
    conditions.push(`s.${column} = $${5 + values.length}`);
  }
  if (condition !== undefined) conditions.push(CONDITIONS[condition]);
  const name = ["list_stacks", machine && "machine", state && "state", condition].filter(Boolean).join("_");
  return { statement: { name, text: toText(conditions) }, values };
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
