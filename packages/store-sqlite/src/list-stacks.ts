import {
  createPageBuilder,
  type Page,
  type PageInput,
  parseStored,
  type StackFilter,
  type StoredStack,
} from "@stackyard/core/engine";
import type { Database, Parameter } from "./database.ts";
import { afterPrefix, byteLengthOf } from "./page.ts";
import { TROUBLE } from "./stack-row.ts";

interface ListedRow {
  readonly stack_id: string;
  readonly version: number;
  readonly body: string;
}

/** Rows that one call looks at: a filter that few stacks pass gives short pages instead of a long pause. */
const MAX_SCANNED = 10_000;

const BUSY = "busy = 1";
const CONDITIONS: Readonly<Record<NonNullable<StackFilter["condition"]>, string>> = {
  busy: BUSY,
  failed: `trouble is not null and trouble & ${TROUBLE.failed}`,
  stalled: `trouble is not null and trouble & ${TROUBLE.stalled}`,
  overdue: `trouble is not null and trouble & ${TROUBLE.overdue}`,
  waiting: `(${BUSY} or trouble is not null or exists (select 1 from parked where parked.stack_id = stack.stack_id))`,
};

/** Stacks in order of ids. */
export function listStacks(database: Database, filter: StackFilter, page: PageInput): Page<StoredStack> {
  const after = page.cursor ?? "";
  const scannedTo = findScanEnd(database, filter, after);
  const { conditions, values } = toConditions(filter);
  const rows = database.each<ListedRow>(
    `select stack_id, version, body from stack
      where stack_id > ? and stack_id <= ? and body is not null ${conditions.map((sql) => `and ${sql}`).join(" ")}
      order by stack_id limit ?`,
    after,
    scannedTo ?? afterPrefix(filter.idPrefix ?? ""),
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

function toConditions(filter: StackFilter): { readonly conditions: string[]; readonly values: Parameter[] } {
  const conditions: string[] = [];
  const values: Parameter[] = [];
  const add = (condition: string, value: string | undefined): void => {
    if (value === undefined) return;
    conditions.push(condition);
    values.push(value);
  };
  add("stack_id >= ?", filter.idPrefix);
  add("machine = ?", filter.machine);
  add("state = ?", filter.state);
  if (filter.condition !== undefined) conditions.push(CONDITIONS[filter.condition]);
  return { conditions, values };
}

/** The id at which the call ends its search; undefined when it reaches the end of the list. */
function findScanEnd(database: Database, filter: StackFilter, after: string): string | undefined {
  if (filter.machine === undefined && filter.state === undefined && filter.condition === undefined) return undefined;
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
