import { StackyardError } from "../errors/stackyard-error.ts";
import { shortHashOf } from "../machine/decide/attempt-id.ts";
import { toEventKey } from "../machine/message/event.ts";
import type { Page, PageInput } from "../ports/records.ts";
import type { LoadedStack, ParkedEvent } from "../ports/stack-store.ts";
import type { Store } from "../ports/store.ts";

/** A parked event with the stack that it waits for. */
export interface ListedParkedEvent {
  readonly parked: ParkedEvent;
  /** False while the stack does not exist: the event would create it, or waits for another event to do so. */
  readonly stackExists: boolean;
}

/** Which parked events are listed. */
export interface ParkedFilter {
  readonly stackId?: string;
  readonly code?: string;
}

const STACKS_AT_ONCE = 100;
/** Stacks that one call reads: a code that few events have gives short pages instead of a long pause. */
const MAX_STACKS = 1_000;

/**
 * Lists parked events in order of their stacks' ids, those of one stack oldest first. A page may be shorter than its limit
 * and still have a cursor. Throws `USAGE` for a cursor of another list.
 */
export async function listParked(
  store: Pick<Store, "load" | "listParkedStackIds">,
  { stackId, code }: ParkedFilter,
  { cursor, limit }: PageInput,
): Promise<Page<ListedParkedEvent>> {
  const start = cursor === undefined ? undefined : parseCursor(cursor);
  const items: ListedParkedEvent[] = [];
  let stacks = 0;
  for await (const loaded of walkStacks(store, stackId, start)) {
    items.push(...listEvents(loaded, start, code));
    stacks += 1;
    if (items.length > limit) return toPage(items.slice(0, limit));
    if (stacks === MAX_STACKS && stackId === undefined) return { items, cursor: toCursor(endOf(loaded)) };
  }
  return { items };
}

function listEvents(
  { stack, parked }: LoadedStack,
  start: Place | undefined,
  code: string | undefined,
): readonly ListedParkedEvent[] {
  return parked
    .filter((each) => code === undefined || each.code === code)
    .map((each) => ({ parked: each, place: placeOf(each) }))
    .filter(({ place }) => start === undefined || isAfter(place, start))
    .sort((a, b) => (isAfter(a.place, b.place) ? 1 : -1))
    .map((each) => ({ parked: each.parked, stackExists: stack !== undefined }));
}

function toPage(items: readonly ListedParkedEvent[]): Page<ListedParkedEvent> {
  const last = items.at(-1);
  return last === undefined ? { items } : { items, cursor: toCursor(placeOf(last.parked)) };
}

/** Where an event stands in the list. The hash orders events of one stack and one instant: ids of events may be long. */
interface Place {
  readonly stackId: string;
  readonly parkedAt: number;
  readonly hash: string;
}

/** Stacks with parked events, from the place on: its own stack may have more of them. */
async function* walkStacks(
  store: Pick<Store, "load" | "listParkedStackIds">,
  only: string | undefined,
  start: Place | undefined,
): AsyncGenerator<LoadedStack, void, undefined> {
  const first = only ?? start?.stackId;
  if (first !== undefined) yield* await store.load([first]);
  if (only !== undefined) return;
  for await (const stacks of walkParkedStacks(store, start?.stackId)) yield* stacks;
}

/** All stacks with parked events after that id, in order of ids, some at a time. */
export async function* walkParkedStacks(
  store: Pick<Store, "load" | "listParkedStackIds">,
  after?: string,
): AsyncGenerator<readonly LoadedStack[], void, undefined> {
  let ids: readonly string[] = [];
  let last = after;
  do {
    ids = await store.listParkedStackIds({ limit: STACKS_AT_ONCE, ...(last === undefined ? {} : { after: last }) });
    yield await store.load(ids);
    last = ids.at(-1);
  } while (ids.length === STACKS_AT_ONCE);
}

function isAfter(place: Place, other: Place): boolean {
  if (place.stackId !== other.stackId || place.parkedAt > other.parkedAt) return true;
  return place.parkedAt === other.parkedAt && place.hash > other.hash;
}

function placeOf({ event, parkedAt }: ParkedEvent): Place {
  return { stackId: event.stackId, parkedAt, hash: shortHashOf(toEventKey(event)) };
}

/** Behind every event of the stack. */
function endOf({ stackId }: LoadedStack): Place {
  return { stackId, parkedAt: Number.MAX_SAFE_INTEGER, hash: "" };
}

function toCursor({ stackId, parkedAt, hash }: Place): string {
  return JSON.stringify([stackId, parkedAt, hash]);
}

function parseCursor(cursor: string): Place {
  try {
    const [stackId, parkedAt, hash]: unknown[] = JSON.parse(cursor);
    if (typeof stackId === "string" && typeof parkedAt === "number" && typeof hash === "string") {
      return { stackId, parkedAt, hash };
    }
  } catch {
    // Not JSON, or not a list.
  }
  throw new StackyardError("USAGE", "The cursor does not belong to this list. Start again without a cursor.");
}
