import { chunk } from "../chunk.ts";
import { isUnreadable } from "../errors/stackyard-error.ts";
import { toEventKey } from "../machine/event-message.ts";
import { defined, parseJson } from "../machine/json.ts";
import { shortHashOf } from "../machine/short-hash.ts";
import { createPageBuilder, foreignCursor, type Page, type PageInput, type PageRow } from "../ports/records.ts";
import type { LoadedStack, ParkedHead } from "../ports/stack-store.ts";
import type { Store } from "../ports/store.ts";

/** A parked event, without its message, with the stack that it waits for. */
export interface ListedParkedEvent {
  readonly parked: ParkedHead;
  /** False while the stack does not exist: the event would create it, or waits for another event to do so. */
  readonly stackExists: boolean;
}

/** Which parked events are listed. */
interface ParkedFilter {
  readonly stackId?: string;
  readonly code?: string;
}

const STACKS_AT_ONCE = 100;
const LOADED_AT_ONCE = 10;
/** Stacks that one call reads: a rare code results in short pages instead of a long pause. */
const MAX_STACKS = 1_000;

/**
 * Lists parked events in order of their stacks' ids, those of one stack oldest first. A page may be shorter than its
 * limit and still have a cursor. A stack whose record or events cannot be read is reported in the page. Throws `USAGE`
 * for a cursor of another list.
 */
export async function listParked(
  store: Pick<Store, "load" | "queries">,
  { stackId, code }: ParkedFilter,
  page: PageInput,
): Promise<Page<ListedParkedEvent>> {
  const start = page.cursor === undefined ? undefined : parseCursor(page.cursor);
  const found = createPageBuilder<ListedParkedEvent>(page);
  let stacks = 0;
  for await (const { stackId: id, read } of walkStacks(store, stackId, start)) {
    for (const row of listRows(id, read, { start, code })) if (!found.add(row)) return found.end();
    stacks += 1;
    if (stacks === MAX_STACKS && stackId === undefined) return found.end(toCursor(endOf(id)));
  }
  return found.end();
}

/** Returns the events of a stack as rows of the page. */
function listRows(
  stackId: string,
  read: () => LoadedStack,
  { start, code }: { readonly start: Place | undefined; readonly code: string | undefined },
): readonly PageRow<ListedParkedEvent>[] {
  let loaded: LoadedStack;
  try {
    loaded = read();
  } catch (error) {
    const fail = (): never => {
      throw error;
    };
    return [{ id: stackId, cursor: toCursor(endOf(stackId)), bytes: 0, read: fail }];
  }
  const stackExists = loaded.stack !== undefined;
  return loaded.parked
    .filter((each) => code === undefined || each.code === code)
    .map((parked) => ({ parked, place: placeOf(parked) }))
    .filter(({ place }) => start === undefined || isAfter(place, start))
    .sort((a, b) => (isAfter(a.place, b.place) ? 1 : -1))
    .map(({ parked, place }) => {
      const bytes = Buffer.byteLength(JSON.stringify(parked));
      return { id: parked.event.id, cursor: toCursor(place), bytes, read: () => ({ parked, stackExists }) };
    });
}

/**
 * The position of an event in the list. Events of one stack and one instant are ordered by hash, because event ids may
 * be long.
 */
interface Place {
  readonly stackId: string;
  readonly parkedAt: number;
  readonly hash: string;
}

/** A stack that was loaded, or that cannot be read. */
interface ReadStack {
  readonly stackId: string;
  /** Throws `STORE_CORRUPT` or `SEAL_KEY_MISSING` when it cannot be read. */
  readonly read: () => LoadedStack;
}

/** Walks stacks with parked events, beginning with the stack of the position: it may have more of them. */
async function* walkStacks(
  store: Pick<Store, "load" | "queries">,
  only: string | undefined,
  start: Place | undefined,
): AsyncGenerator<ReadStack, void, undefined> {
  const first = only ?? start?.stackId;
  if (first !== undefined) yield* await loadReadable(store, [first]);
  if (only !== undefined) return;
  for await (const ids of walkParkedIds(store, start?.stackId)) yield* await loadReadable(store, ids);
}

async function loadReadable(store: Pick<Store, "load">, ids: readonly string[]): Promise<readonly ReadStack[]> {
  try {
    const loaded = await store.load(ids);
    return loaded.map((each) => ({ stackId: each.stackId, read: () => each }));
  } catch (error) {
    const [stackId = "", ...others] = ids;
    if (!isUnreadable(error)) throw error;
    // One of them cannot be read: alone it is known which.
    if (others.length > 0) return (await Promise.all(ids.map((id) => loadReadable(store, [id])))).flat();
    const fail = (): never => {
      throw error;
    };
    return [{ stackId, read: fail }];
  }
}

/** Walks all stacks with parked events after that id, in order of ids, some at a time. */
export async function* walkParkedStacks(
  store: Pick<Store, "load" | "queries">,
  after?: string,
): AsyncGenerator<readonly LoadedStack[], void, undefined> {
  for await (const ids of walkParkedIds(store, after)) yield await store.load(ids);
}

/** Walks ids in groups that are loaded together: each stack is loaded with the heads of all of its parked events. */
async function* walkParkedIds(store: Pick<Store, "queries">, after: string | undefined) {
  let ids: readonly string[] = [];
  let last = after;
  do {
    ids = await store.queries.listParkedStackIds({
      limit: STACKS_AT_ONCE,
      ...defined({ after: last }),
    });
    yield* chunk(ids, LOADED_AT_ONCE);
    last = ids.at(-1);
  } while (ids.length === STACKS_AT_ONCE);
}

function isAfter(place: Place, other: Place): boolean {
  if (place.stackId !== other.stackId || place.parkedAt > other.parkedAt) return true;
  return place.parkedAt === other.parkedAt && place.hash > other.hash;
}

function placeOf({ event, parkedAt }: ParkedHead): Place {
  return { stackId: event.stackId, parkedAt, hash: shortHashOf(toEventKey(event)) };
}

/** Returns the position after every event of the stack. */
function endOf(stackId: string): Place {
  return { stackId, parkedAt: Number.MAX_SAFE_INTEGER, hash: "" };
}

function toCursor({ stackId, parkedAt, hash }: Place): string {
  return JSON.stringify([stackId, parkedAt, hash]);
}

function parseCursor(cursor: string): Place {
  const parts = parseJson(cursor);
  const [stackId, parkedAt, hash]: unknown[] = Array.isArray(parts) ? parts : [];
  if (typeof stackId === "string" && typeof parkedAt === "number" && typeof hash === "string") {
    return { stackId, parkedAt, hash };
  }
  throw foreignCursor();
}
