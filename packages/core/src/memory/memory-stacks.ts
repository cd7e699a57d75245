import { toEventKey } from "../machine/event-message.ts";
import { defined } from "../machine/json.ts";
import type { Stack } from "../machine/stack.ts";
import { toParkedEvent, toParkedHead } from "../ports/parked-head.ts";
import type { Page, PageInput } from "../ports/records.ts";
import {
  assertSortable,
  checkStackFilter,
  comparePlaces,
  createStackCounter,
  matchesStack,
  toStackOrder,
  toStackPlace,
} from "../ports/stack-filter.ts";
import type { Change, LoadedStack, ParkedEvent } from "../ports/stack-store.ts";
import type {
  ListStacksInput,
  Retention,
  StackCounts,
  StackFilter,
  StackGrouping,
  StoredStack,
  StoreStats,
} from "../ports/store.ts";
import type { Remembered } from "../ports/store-memory.ts";
import { listKeys, toPage } from "./memory-lists.ts";

/** The data of one stack id; it outlives the stack. */
export interface StackRow {
  readonly id: string;
  /** The last one given, also to earlier incarnations. */
  version: number;
  stack: Stack | undefined;
  /** When it was last written without a stack. */
  goneAt?: number;
  /** Keys of events with the instants at which they were applied, oldest first. */
  readonly applied: Map<string, number>;
  readonly parked: Map<string, ParkedEvent>;
}

/** All rows by the ids of their stacks. */
export type StackRows = Map<string, StackRow>;

/** Returns the row of a stack, and creates it when it does not exist. */
export function requireRow(rows: StackRows, id: string): StackRow {
  const row = rows.get(id) ?? { id, version: 0, stack: undefined, applied: new Map(), parked: new Map() };
  rows.set(id, row);
  return row;
}

/** Loads a stack for a decision. */
export function loadStack(rows: StackRows, stackId: string): LoadedStack {
  const row = rows.get(stackId);
  const parked = [...(row?.parked.values() ?? [])].map(toParkedHead);
  if (row?.stack === undefined) return { stackId, version: 0, parked };
  return { stackId, version: row.version, stack: row.stack, parked };
}

/** Loads parked events of a stack by their keys. */
export function loadParked(rows: StackRows, stackId: string, keys: readonly string[]): readonly ParkedEvent[] {
  const parked = rows.get(stackId)?.parked;
  return keys.flatMap((key) => parked?.get(key) ?? []);
}

/** Returns the new version; 0 when the stack does not exist. */
export function writeStack(row: StackRow, { write, now }: Pick<Change, "write" | "now">): number {
  if (write.kind === "put") row.version += 1;
  if (write.kind !== "keep") row.stack = write.kind === "put" ? write.stack : undefined;
  if (row.stack === undefined) row.goneAt = now;
  return row.stack === undefined ? 0 : row.version;
}

/** Returns the earliest instant at which a parked event is to be tried again. */
export function parkEvents(
  { parked }: StackRow,
  change: Pick<Change, "park" | "retried" | "unpark">,
): number | undefined {
  for (const eventKey of change.unpark) parked.delete(eventKey);
  for (const event of change.park) parked.set(toEventKey(event.event), event);
  for (const head of change.retried ?? []) {
    const key = toEventKey(head.event);
    const known = parked.get(key);
    if (known !== undefined) parked.set(key, toParkedEvent(head, known.event.message));
  }
  return toEarliest([...parked.values()].map(({ nextTryAt }) => nextTryAt));
}

/** Returns the first of some instants. */
export function toEarliest(instants: readonly number[]): number | undefined {
  return instants.length === 0 ? undefined : Math.min(...instants);
}

/** Returns the stacks that match a filter, in the requested order. */
export function listStacks(rows: StackRows, filter: StackFilter, page: ListStacksInput): Page<StoredStack> {
  const order = toStackOrder(page);
  const { after } = order;
  const found = findStacks(rows, filter)
    .map(({ version, stack }) => ({ item: { version, stack }, place: toStackPlace(order, stack) }))
    .filter(({ place }) => after === undefined || comparePlaces(order, place, after) > 0);
  if (order.key !== "id") assertSortable(order, found.length);
  const items = found.sort((a, b) => comparePlaces(order, a.place, b.place)).map(({ item }) => item);
  return toPage(items, page, ({ stack }) => order.toCursor(toStackPlace(order, stack)));
}

/** Counts the stacks that a filter fits. */
export function countStacks(rows: StackRows, filter: StackFilter, by: StackGrouping | undefined): StackCounts {
  const counter = createStackCounter(by);
  for (const { stack, parked } of findStacks(rows, filter)) counter.add(stack, parked);
  return counter.end();
}

function findStacks(rows: StackRows, filter: StackFilter) {
  checkStackFilter(filter);
  return [...rows.values()].flatMap(({ version, stack, parked }) =>
    stack !== undefined && matchesStack(filter, stack, parked.size) ? [{ version, stack, parked: parked.size }] : [],
  );
}

/** Lists all that is remembered of ids: of each stack, then its events. */
export function listRemembered(rows: StackRows, page: PageInput): Page<Remembered> {
  const all = [...rows.values()].flatMap(({ id: stackId, version, stack, goneAt, applied }): readonly Remembered[] => {
    const gone = stack === undefined ? goneAt : undefined;
    const events = [...applied].map(
      ([key, at], index) => ({ kind: "event", stackId, key, at, number: index + 1 }) as const,
    );
    return [{ kind: "stack", stackId, version, events: applied.size, ...defined({ goneAt: gone }) }, ...events];
  });
  const numbered = all.map((entry, index) => ({ entry, place: String(index + 1) }));
  const items = numbered.slice(Number(page.cursor ?? 0));
  const { items: listed, cursor } = toPage(items, page, ({ place }) => place);
  return { items: listed.map(({ entry }) => entry), ...defined({ cursor }) };
}

/** Adds what is not known. */
export function addRemembered(rows: StackRows, entry: Remembered): void {
  const row = requireRow(rows, entry.stackId);
  if (entry.kind === "event") {
    if (!row.applied.has(entry.key)) row.applied.set(entry.key, entry.at);
    return;
  }
  row.version = Math.max(row.version, entry.version);
  if (row.stack === undefined && entry.goneAt !== undefined) row.goneAt = entry.goneAt;
}

/** Returns true when the event is known, or the stack has that version or a later one. */
export function isRemembered(rows: StackRows, entry: Remembered): boolean {
  const row = rows.get(entry.stackId);
  return entry.kind === "event" ? row?.applied.has(entry.key) === true : (row?.version ?? 0) >= entry.version;
}

/** Lists ids of stacks with parked events, in order. */
export function listParkedIds(
  rows: StackRows,
  { after, limit }: { readonly after?: string; readonly limit: number },
): readonly string[] {
  const parked = listKeys(rows, "", after).filter((row) => row.parked.size > 0);
  return parked.slice(0, limit).map(({ id }) => id);
}

/** Counts stacks, by state too, and parked events. */
export function readStackStats(rows: StackRows): Pick<StoreStats, "stacks" | "states" | "parkedEvents"> {
  const stacks = [...rows.values()].flatMap(({ stack }) => stack ?? []);
  const states = Map.groupBy(stacks, ({ machine, state }) => `${machine}\u0000${state}`);
  return {
    stacks: stacks.length,
    states: [...states]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([, [first, ...others]]) =>
        first === undefined ? [] : [{ machine: first.machine, state: first.state, count: others.length + 1 }],
      ),
    parkedEvents: [...rows.values()].reduce((sum, { parked }) => sum + parked.size, 0),
  };
}

/** Forgets ids of events that are too old, unless they are among the last ones of a stack that is there. */
export function pruneEventIds(rows: StackRows, { eventIdMs, eventIdCount }: Retention, now: number): void {
  for (const { applied, stack } of rows.values()) {
    const kept = stack === undefined ? 0 : eventIdCount;
    for (const [id, at] of applied) {
      if (applied.size <= kept || at >= now - eventIdMs) break;
      applied.delete(id);
    }
  }
}

/** Forgets stacks that were removed before that instant, and that nothing is parked for. */
export function forgetRemoved(rows: StackRows, before: number): void {
  for (const [id, { stack, goneAt = 0, applied, parked }] of rows) {
    if (stack === undefined && goneAt < before && applied.size + parked.size === 0) rows.delete(id);
  }
}
