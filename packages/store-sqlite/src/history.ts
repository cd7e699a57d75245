import {
  type AttemptView,
  type Change,
  createPageBuilder,
  type EndedAttempt,
  type HistoryEntry,
  type HistoryFilter,
  MAX_SETTLED_LISTED,
  type Page,
  type PageInput,
  parseStored,
  type StoredHistoryEntry,
  toStartPosition,
} from "@stackyard/core/engine";
import {
  byteLengthOf,
  type Conditions,
  type Database,
  SEGMENT_ROWS,
  type Sequence,
  segmentOf,
  toGivenConditions,
} from "./database.ts";
import type { StoreState } from "./store-state.ts";

interface HistoryRow {
  readonly position: number;
  readonly body: string;
}

const INSERT = "insert into history (position, stack_id, event_id, at, body, ended, log) values (?, ?, ?, ?, ?, ?, ?)";

/**
 * Appends the lines of a change and the attempts that have ended with it. One that ended by a result which the change
 * applies shares the row of the result's line.
 */
export function recordChange(state: StoreState, { history, now }: Change, ended: readonly EndedAttempt[]): void {
  const left = new Map(ended.map((each) => [toResultId(each.view.attemptId), each]));
  for (const entry of history) {
    const attempt = entry.at === now ? left.get(entry.eventId) : undefined;
    if (attempt !== undefined) left.delete(entry.eventId);
    append(state, { entry, ended: attempt });
  }
  for (const attempt of left.values()) append(state, { ended: attempt });
}

/** Appends an attempt that has ended. */
export function recordEnded(state: StoreState, ended: EndedAttempt): void {
  append(state, { ended });
}

function append(
  { database, positions }: StoreState,
  { entry, ended }: { readonly entry?: HistoryEntry; readonly ended?: EndedAttempt | undefined },
): void {
  const { log, stackId = "", attemptId = "", ...view } = ended?.view ?? {};
  database.run(
    INSERT,
    positions.next(),
    entry?.stackId ?? stackId,
    entry?.eventId ?? toResultId(attemptId),
    entry?.at ?? ended?.settledAt,
    entry && JSON.stringify(entry),
    ended && JSON.stringify({ ...view, attemptId, sequence: ended.sequence }),
    log,
  );
}

/** Returns the id of the event of an attempt's result. */
function toResultId(attemptId: string): string {
  return `result:${attemptId}`;
}

interface EndedRow {
  readonly position: number;
  readonly stack_id: string;
  readonly ended: string;
  readonly log: string | null;
}

/** Finds an attempt that has ended; undefined when it is unknown or open. */
export function findEnded({ database, positions }: StoreState, attemptId: string): AttemptView | undefined {
  const eventId = toResultId(attemptId);
  for (const segment of listSegments(database, positions, { newestFirst: true }, Number.MAX_SAFE_INTEGER)) {
    const select = `select position, stack_id, ended, log from history
        where position >> 15 = ? and event_id = ? and ended is not null order by position desc limit 1`;
    const row = database.get<EndedRow>(select, segment, eventId);
    if (row !== undefined) return toEnded(row).view;
  }
  return undefined;
}

/** Lists the last attempts of a stack that have ended, without their logs. */
export function listEnded({ database, positions }: StoreState, stackId: string): readonly ListedEnd[] {
  const found: ListedEnd[] = [];
  for (const segment of listSegments(database, positions, { newestFirst: true }, Number.MAX_SAFE_INTEGER)) {
    const select = `select position, stack_id, ended, case when log is not null then '' end as log from history
        where position >> 15 = ? and stack_id = ? and ended is not null order by position desc limit ?`;
    const rows = database.all<EndedRow>(select, segment, stackId, MAX_SETTLED_LISTED - found.length);
    found.push(...rows.map(toEnded));
    if (found.length === MAX_SETTLED_LISTED) break;
  }
  return found;
}

type ListedEnd = Omit<EndedAttempt, "settledAt">;

function toEnded({ position, stack_id: stackId, ended, log }: EndedRow): ListedEnd {
  const { sequence, ...view } = parseEnded(ended, `attempt at position ${position} of the history`);
  return { sequence, view: { ...view, stackId, ...(log === null ? {} : { hasLog: true, log }) } };
}

function parseEnded(text: string, name: string): Omit<AttemptView, "stackId"> & { readonly sequence: number } {
  return parseStored.json(text, name) as Omit<AttemptView, "stackId"> & { readonly sequence: number };
}

/** Lists lines in order of positions; those of a stack or an event are looked up segment by segment. */
export function listHistory(state: StoreState, filter: HistoryFilter, page: PageInput): Page<StoredHistoryEntry> {
  const found = createPageBuilder<StoredHistoryEntry>(page);
  for (const { position, body } of readLines(state, filter, page)) {
    const id = String(position);
    const read = () => ({ ...parseStored.historyEntry(body, `line ${id} of the history`), position });
    if (!found.add({ id, cursor: id, bytes: byteLengthOf(body), read })) break;
  }
  return found.end();
}

function* readLines(
  { database, positions }: StoreState,
  filter: HistoryFilter,
  { cursor, limit }: PageInput,
): Generator<HistoryRow, void, undefined> {
  const { newestFirst = false } = filter;
  const start = toStartPosition(cursor, newestFirst);
  const { conditions, values } = toConditions(filter);
  const order = newestFirst ? "position < ? order by position desc limit ?" : "position > ? order by position limit ?";
  const select = ["select position, body from history where body is not null", ...conditions].join(" and ");
  if (conditions.length === 0) {
    yield* database.each<HistoryRow>(`${select} and ${order}`, start, limit + 1);
    return;
  }
  for (const segment of listSegments(database, positions, filter, start)) {
    const ofSegment = `${select} and position >> 15 = ? and ${order}`;
    yield* database.each<HistoryRow>(ofSegment, ...values, segment, start, limit + 1);
  }
}

function toConditions({ eventId, stackId }: HistoryFilter): Conditions {
  // An event has few lines, a stack may have many: with both, the index by event is the one to use.
  const ofStack = eventId === undefined ? "stack_id = ?" : "+stack_id = ?";
  return toGivenConditions([
    ["event_id = ?", eventId],
    [ofStack, stackId],
  ]);
}

function* listSegments(
  database: Database,
  positions: Sequence,
  filter: HistoryFilter,
  start: number,
): Generator<number> {
  const row = database.get<{ oldest: number | null }>("select min(position) as oldest from history");
  if (row?.oldest == null) return;
  const oldest = segmentOf(row.oldest);
  const newest = segmentOf(positions.last);
  if (filter.newestFirst === true) {
    for (let segment = Math.min(newest, segmentOf(start)); segment >= oldest; segment -= 1) yield segment;
  } else {
    for (let segment = Math.max(oldest, Math.floor(start / SEGMENT_ROWS)); segment <= newest; segment += 1)
      yield segment;
  }
}
