import { defined, type Remembered, type StoreMemory } from "@stackyard/core";
import {
  createPageBuilder,
  type Page,
  type PageInput,
  type PageRow,
  parseRememberedPlace,
  toRememberedRow,
} from "@stackyard/core/engine";
import { fromKeyText, isReplacement, toComparedText, toKeyText } from "./column-values.ts";
import type { Database } from "./database.ts";

/** Creates the memory of a store: the versions of stacks that are there and gone, and the ids of events. */
export function createStoreMemory(database: Database): StoreMemory {
  return {
    list: (page) => list(database, page),
    async add(entries) {
      await database.rows(ADD, JSON.stringify(entries.map(toRow)));
    },
    async findMissing(entries) {
      const rows = await database.rows<{ readonly n: number }>(MISSING, JSON.stringify(entries.map(toRow)));
      return rows.flatMap(({ n }) => entries[n] ?? []);
    },
  };
}

interface Row {
  readonly n: number;
  readonly stack: string;
  /** Null for a stack. */
  readonly event: string | null;
  /** The version of a stack. */
  readonly number: number;
  readonly counted: number;
  readonly at: number | null;
}

function toRow(entry: Remembered, n: number): Row {
  const stack = toKeyText(entry.stackId);
  if (entry.kind === "stack") {
    return { n, stack, event: null, number: entry.version, counted: entry.events, at: entry.goneAt ?? 0 };
  }
  return { n, stack, event: toComparedText(entry.key), number: entry.number, counted: 0, at: entry.at };
}

const COLUMNS = "n bigint, stack text, event text, number bigint, counted bigint, at bigint";

const ADD = {
  name: "remember",
  isLong: true as const,
  text: `
with given as materialized (
  select * from json_to_recordset($1) as g(${COLUMNS})
), stacks as (
  insert into stackyard.stack_gone as s (id, version, id_count, gone_at)
  select g.stack, g.number, g.counted, g.at from given g
   where g.event is null and not exists (select from stackyard.stacks i where i.id = g.stack)
  on conflict (id) do update set version = greatest(s.version, excluded.version),
                                 id_count = greatest(s.id_count, excluded.id_count)
)
insert into stackyard.event_id (event_id, stack_id, applied_at, number)
select g.event, g.stack, g.at, g.number from given g where g.event is not null
on conflict do nothing`,
};

const MISSING = {
  name: "find_not_remembered",
  isLong: true as const,
  text: `
select g.n from json_to_recordset($1) as g(${COLUMNS})
 where case when g.event is null then
              g.number > coalesce((select s.version from stackyard.stacks s where s.id = g.stack),
                                  (select s.version from stackyard.stack_gone s where s.id = g.stack), 0)
            else not exists (select from stackyard.event_id i where i.event_id = g.event and i.stack_id = g.stack) end
 order by g.n`,
};

const STACKS = {
  name: "list_remembered_stacks",
  isLong: true as const,
  text: `
select 0 as n, s.stack, null as event, s.number, s.counted, s.at
  from (select id as stack, version as number, id_count as counted, null::bigint as at from stackyard.stacks where id > $1
        union all
        select g.id, g.version, g.id_count, g.gone_at from stackyard.stack_gone g
         where g.id > $1 and not exists (select from stackyard.stacks i where i.id = g.id)) s
 order by s.stack limit $2`,
};

const EVENTS = {
  name: "list_remembered_events",
  isLong: true as const,
  text: `
select 0 as n, stack_id as stack, event_id as event, number, 0 as counted, applied_at as at
  from stackyard.event_id where (event_id, stack_id) > ($1, $2) order by event_id, stack_id limit $3`,
};

async function list(database: Database, page: PageInput): Promise<Page<Remembered>> {
  const found = createPageBuilder<Remembered>(page);
  const { stackId, key } = parseRememberedPlace(page.cursor);
  const stack = toKeyText(stackId);
  const stacks = key === undefined ? await database.rows<Row>(STACKS, stack, page.limit + 1) : [];
  for (const row of stacks) if (!found.add(toPageRow(row))) return found.end();
  const after = key === undefined ? ["", ""] : [toKeyText(key), stack];
  for (const row of await database.rows<Row>(EVENTS, ...after, page.limit + 1)) if (!found.add(toPageRow(row))) break;
  return found.end();
}

function toPageRow({ stack, event, number, counted, at }: Row): PageRow<Remembered> {
  const stackId = fromKeyText(stack);
  if (event === null) {
    const goneAt = at ?? undefined;
    return toRememberedRow({ kind: "stack", stackId, version: number, events: counted, ...defined({ goneAt }) });
  }
  const row = toRememberedRow({ kind: "event", stackId, key: fromKeyText(event), at: at ?? 0, number });
  return isReplacement(event) ? { ...row, read: refuse } : row;
}

function refuse(): never {
  throw new RangeError("The id of an event is longer than 800 bytes, and only its hash is kept");
}
