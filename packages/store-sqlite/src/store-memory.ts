import { defined, type Remembered, type StoreMemory } from "@stackyard/core";
import {
  createPageBuilder,
  type Page,
  type PageInput,
  parseRememberedPlace,
  toRememberedRow,
} from "@stackyard/core/engine";
import type { Database } from "./database.ts";
import type { GroupCommit } from "./group-commit.ts";

/** Creates the memory of a store: the rows of stacks without their records, and the ids of events. */
export function createStoreMemory(commits: GroupCommit): StoreMemory {
  return {
    list: (page) => commits.read(({ database }) => list(database, page)),
    add: (entries) =>
      commits.write(({ database }) => {
        for (const entry of entries) add(database, entry);
      }),
    findMissing: (entries) => commits.read(({ database }) => entries.filter((entry) => !isKnown(database, entry))),
  };
}

interface StackRow {
  readonly stack_id: string;
  readonly version: number;
  readonly id_count: number;
  readonly gone_at: number | null;
}

interface EventRow {
  readonly event_id: string;
  readonly stack_id: string;
  readonly applied_at: number;
  readonly number: number;
}

const STACKS = `
select stack_id, version, id_count, case when body is null then coalesce(updated_at, 0) end as gone_at
  from stack where stack_id > ? order by stack_id`;
const EVENTS = `
select event_id, stack_id, applied_at, number from event_id
 where (event_id, stack_id) > (?, ?) and applied_at is not null order by event_id, stack_id`;

function list(database: Database, page: PageInput): Page<Remembered> {
  const found = createPageBuilder<Remembered>(page);
  const { stackId, key } = parseRememberedPlace(page.cursor);
  const stacks = key === undefined ? database.each<StackRow>(STACKS, stackId) : [];
  for (const { stack_id, version, id_count: events, gone_at } of stacks) {
    const entry = {
      kind: "stack",
      stackId: stack_id,
      version,
      events,
      ...defined({ goneAt: gone_at ?? undefined }),
    } as const;
    if (!found.add(toRememberedRow(entry))) return found.end();
  }
  const after = key === undefined ? ["", ""] : [key, stackId];
  for (const { event_id, stack_id, applied_at: at, number } of database.each<EventRow>(EVENTS, ...after)) {
    if (!found.add(toRememberedRow({ kind: "event", stackId: stack_id, key: event_id, at, number }))) break;
  }
  return found.end();
}

/** The row of a stack that is there has the higher version. */
const ADD_STACK = `
insert into stack (stack_id, version, id_count, updated_at) values (?, ?, ?, ?)
    on conflict (stack_id) do update set version = max(version, excluded.version), id_count = max(id_count, excluded.id_count)`;
const ADD_EVENT =
  "insert into event_id (event_id, stack_id, applied_at, number) values (?, ?, ?, ?) on conflict do nothing";

function add(database: Database, entry: Remembered): void {
  const { stackId } = entry;
  if (entry.kind === "event") database.run(ADD_EVENT, entry.key, stackId, entry.at, entry.number);
  else database.run(ADD_STACK, stackId, entry.version, entry.events, entry.goneAt ?? null);
}

function isKnown(database: Database, entry: Remembered): boolean {
  const { stackId } = entry;
  if (entry.kind === "stack") {
    const row = database.get<{ version: number }>("select version from stack where stack_id = ?", stackId);
    return (row?.version ?? 0) >= entry.version;
  }
  const select = "select 1 from event_id where event_id = ? and stack_id = ? and applied_at is not null";
  return database.get(select, entry.key, stackId) !== undefined;
}
