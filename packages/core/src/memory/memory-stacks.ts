import { toEventKey } from "../machine/event-message.ts";
import type { Stack } from "../machine/stack.ts";
import type { Page, PageInput } from "../ports/records.ts";
import type { Change, LoadedStack, ParkedEvent, StackWrite } from "../ports/stack-store.ts";
import type { Retention, StackFilter, StoredStack, StoreStats } from "../ports/store.ts";
import { matchesCondition } from "../ports/store-helpers.ts";
import { createSortedKeys, toPage } from "./memory-lists.ts";

/** What is kept of one stack id; it outlives the stack. */
export interface StackRow {
  readonly id: string;
  /** The last one given, also to earlier lives. */
  readonly version: number;
  readonly stack: Stack | undefined;
  /** Keys of events with the instants at which they were applied, oldest first. */
  readonly applied: Map<string, number>;
  readonly parked: ReadonlyMap<string, ParkedEvent>;
}

/** The records of stacks, with the event ids that they know. */
export interface MemoryStacks {
  find(id: string): StackRow | undefined;
  /** Creates the row when it does not exist. */
  require(id: string): StackRow;
  load(id: string): LoadedStack;
  /** Returns the new version; 0 when the stack does not exist. */
  write(id: string, write: StackWrite): number;
  /** Gives the earliest instant at which a parked event is to be tried again. */
  park(id: string, change: Pick<Change, "park" | "unpark">): number | undefined;
  list(filter: StackFilter, page: PageInput): Page<StoredStack>;
  listParkedIds(page: { readonly after?: string; readonly limit: number }): readonly string[];
  count(): Pick<StoreStats, "stacks" | "states" | "parkedEvents">;
  pruneEventIds(retention: Retention, now: number): void;
}

interface WritableRow extends StackRow {
  version: number;
  stack: Stack | undefined;
  readonly parked: Map<string, ParkedEvent>;
}

/** Rows by id; counts by state are kept up to date. */
export function createMemoryStacks(): MemoryStacks {
  const rows = new Map<string, WritableRow>();
  const ids = createSortedKeys((id) => rows.get(id)?.stack !== undefined);
  const parkedIds = createSortedKeys((id) => (rows.get(id)?.parked.size ?? 0) > 0);
  const states = createStateCounts();
  let parkedEvents = 0;

  function require(id: string): WritableRow {
    const known = rows.get(id);
    if (known !== undefined) return known;
    const row = { id, version: 0, stack: undefined, applied: new Map(), parked: new Map() };
    rows.set(id, row);
    return row;
  }

  return {
    find: (id) => rows.get(id),
    require,
    load: (id) => toLoaded(id, rows.get(id)),
    write(id, write) {
      const row = require(id);
      if (write.kind === "keep") return row.stack === undefined ? 0 : row.version;
      const next = write.kind === "put" ? write.stack : undefined;
      states.replace(row.stack, next);
      if (row.stack === undefined) ids.add(id);
      row.stack = next;
      if (next === undefined) return 0;
      row.version += 1;
      return row.version;
    },
    park(id, { park, unpark }) {
      const { parked } = require(id);
      parkedEvents -= parked.size;
      for (const eventKey of unpark) parked.delete(eventKey);
      for (const event of park) parked.set(toEventKey(event.event), event);
      parkedEvents += parked.size;
      if (parked.size > 0) parkedIds.add(id);
      return toEarliest([...parked.values()].map(({ nextTryAt }) => nextTryAt));
    },
    list(filter, page) {
      const found = findStacks(ids.list(filter.idPrefix ?? "", page.cursor), rows, filter);
      return toPage(found, page, ({ stack }) => stack.id);
    },
    listParkedIds: ({ after, limit }) => takeFirst(parkedIds.list("", after), limit),
    count: () => ({ ...states.count(), parkedEvents }),
    pruneEventIds(retention, now) {
      for (const { applied } of rows.values()) pruneIds(applied, retention, now);
    },
  };
}

function takeFirst(ids: Iterable<string>, limit: number): readonly string[] {
  const taken: string[] = [];
  for (const id of ids) {
    if (taken.length === limit) break;
    taken.push(id);
  }
  return taken;
}

/** The first of some instants. */
export function toEarliest(instants: readonly number[]): number | undefined {
  return instants.length === 0 ? undefined : Math.min(...instants);
}

function toLoaded(stackId: string, row: StackRow | undefined): LoadedStack {
  const parked = row === undefined ? [] : [...row.parked.values()];
  if (row?.stack === undefined) return { stackId, version: 0, parked };
  return { stackId, version: row.version, stack: row.stack, parked };
}

function* findStacks(
  ids: Iterable<string>,
  rows: ReadonlyMap<string, StackRow>,
  filter: StackFilter,
): Generator<StoredStack> {
  for (const id of ids) {
    const row = rows.get(id);
    if (row?.stack !== undefined && matches(row.stack, row.parked.size, filter))
      yield { version: row.version, stack: row.stack };
  }
}

function matches(stack: Stack, parked: number, { machine, state, condition }: StackFilter): boolean {
  return (
    (machine === undefined || machine === stack.machine) &&
    (state === undefined || state === stack.state) &&
    (condition === undefined || matchesCondition(condition, stack, parked))
  );
}

function pruneIds(applied: Map<string, number>, { eventIdMs, eventIdCount }: Retention, now: number): void {
  for (const [id, at] of applied) {
    if (applied.size <= eventIdCount || at >= now - eventIdMs) return;
    applied.delete(id);
  }
}

function createStateCounts() {
  const counts = new Map<string, { machine: string; state: string; count: number }>();
  let stacks = 0;

  function add({ machine, state }: Stack, by: number): void {
    const key = `${machine}\u0000${state}`;
    const count = (counts.get(key)?.count ?? 0) + by;
    if (count === 0) counts.delete(key);
    else counts.set(key, { machine, state, count });
    stacks += by;
  }

  return {
    replace(before: Stack | undefined, after: Stack | undefined): void {
      if (before !== undefined) add(before, -1);
      if (after !== undefined) add(after, 1);
    },
    count(): Pick<StoreStats, "stacks" | "states"> {
      const ordered = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
      return { stacks, states: ordered.map(([, count]) => ({ ...count })) };
    },
  };
}
