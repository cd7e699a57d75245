import { type Clock, type Logger, type Random, RecentMap, StackyardError } from "@stackyard/core";
import type { StoreListeners } from "@stackyard/core/engine";
import { parseAttemptId } from "@stackyard/core/machine";
import { type Aggregate, type DueTimes, findDueTimes, findNextDueAt } from "./aggregate.ts";
import { fromItem, type Item, type Serializer, type Table, toItem } from "./database.ts";
import { toKeyPart, toSortable, type WorkKey } from "./keys.ts";
import type { LoadedStack } from "./stack-item.ts";

/** The shared parts of a store. */
export interface StoreContext {
  readonly stacks: Table;
  readonly work: Table;
  /** False: the stacks' table has no index of due stacks, so the sweep scans. */
  readonly hasDueIndex: boolean;
  /** Real time, for durations that do not follow the instants of callers. */
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly listeners: StoreListeners;
  /** One at a time by key, within this process. */
  readonly serialize: Serializer;
  /** Stacks as they were loaded last, so that the commit that follows need not read them again. */
  readonly loaded: Map<string, LoadedStack>;
  readonly recent: RecentWork;
  /** Task messages that `takeOwn` delivered, by receipt, and until when: see there. */
  readonly handedOut: Map<string, number>;
  /** Outbox entries that this process has finished: they leave their item with its next write. */
  readonly done: Map<string, true>;
  /** Writes the lines that writes of an aggregate have left to write, as far as it gets. */
  record(stackId: string, written: Aggregate): Promise<void>;
  /** Does the rest of the work that the last write of an aggregate has left, as far as possible. */
  publish(stackId: string, written: Aggregate): Promise<void>;
  /** Numbers that grow within this process, and nearly so over all. */
  nextNumber(): number;
  /** Lists a row of the history of the yard. Returns the position of its first line. */
  listRow(entry: NewEntry): Promise<number>;
}

/** Stacks of which this process has just written something that is due, or will be. */
interface RecentWork {
  note(stackId: string, written: Aggregate): void;
  /**
   * Lists stacks that are due by then, and perhaps not in the index. Like an entry of the index it is a hint: the item
   * may differ by now.
   */
  list(kinds: readonly (keyof DueTimes)[], now: number): readonly DueStack[];
  /** Lists the same, of all stacks that the last minute's sweep may have missed. */
  listOwn(kinds: readonly (keyof DueTimes)[], now: number): readonly DueStack[];
}

/** A stack of which something may be due from that instant on. */
export interface DueStack {
  readonly id: string;
  readonly at: number;
}

/** An index lags for less than a second as a rule; after this it is believed. */
const LAG_MS = 10_000;
const KEPT_MS = 60_000;
const MOST = 1_000;

/**
 * Remembers what this process has written. Who commits and then takes what the commit has queued would otherwise find
 * nothing, and the work would wait for the next sweep.
 */
export function createRecentWork(clock: Clock): RecentWork {
  const entries = new RecentMap<string, { readonly times: DueTimes; readonly writtenAt: number }>(MOST);

  function listSince(ms: number, kinds: readonly (keyof DueTimes)[], now: number): readonly DueStack[] {
    for (const [id, { writtenAt }] of entries) {
      if (clock.now() - writtenAt < KEPT_MS) break;
      entries.delete(id);
    }
    return [...entries].flatMap(([id, { times, writtenAt }]) => {
      const at = clock.now() - writtenAt < ms ? findNextDueAt(times, kinds) : undefined;
      return at === undefined || at > now ? [] : [{ id, at }];
    });
  }

  return {
    note(stackId, written) {
      entries.delete(stackId);
      const times = findDueTimes(written);
      if (Object.keys(times).length === 0) return;
      entries.set(stackId, { times, writtenAt: clock.now() });
    },
    list: (kinds, now) => listSince(LAG_MS, kinds, now),
    listOwn: (kinds, now) => listSince(KEPT_MS, kinds, now),
  };
}

// All rows of the history in one order: pages, each a row of the work table with the keys of some rows. The place in
// the log is the position of a row's lines. One write of the newest page numbers the rows of all that commit at the
// same time and lists them: a counter and an index of rows would be a write each.

/** A row of the history in the log. */
export interface LogEntry {
  /** The position of its first line; the others follow it. */
  readonly first: number;
  /** The number of its lines. */
  readonly span: number;
  /** When it was listed, by our clock: the row itself is written after that. */
  readonly writtenAt: number;
  readonly key: WorkKey;
}

/** A row to list. */
type NewEntry = Pick<LogEntry, "span" | "writtenAt" | "key">;

/** The lines of a full page; with short keys it has less than 1 KB, which is one unit to write. */
const MOST_LINES = 14;
/** So many rows are listed by one write. */
const MOST_AT_ONCE = 100;
/** The distance between the first positions of two pages. */
const PAGE = 1_000_000;
const PK = "log";

interface Waiting {
  readonly entry: NewEntry;
  resolve(first: number): void;
  reject(error: unknown): void;
}

/** Lists rows, and returns the positions of their first lines. Rows that come during a write share the next one. */
export function createYardLog(work: Table): (entry: NewEntry) => Promise<number> {
  const waiting: Waiting[] = [];
  let isWriting = false;
  let page: number | undefined;

  async function append(entries: readonly NewEntry[]): Promise<number> {
    const sum = entries.reduce((all, { span }) => all + span, 0);
    for (;;) {
      page ??= await findLastPage(work);
      const updated = await work.update(toPageKey(page), {
        update: "SET #rows = list_append(if_not_exists(#rows, :none), :rows) ADD #lines :sum",
        condition: "attribute_not_exists(#lines) OR #lines < :most",
        names: { "#rows": "rows", "#lines": "lines" },
        values: { ":sum": sum, ":most": MOST_LINES },
        lists: { ":none": [], ":rows": entries.map(toText) },
      });
      const lines = Number(updated?.["lines"]?.N ?? 0);
      const first = page * PAGE + lines - sum + 1;
      // Others may have filled more than one page.
      if (updated === undefined) page = Math.max(page + 1, await findLastPage(work));
      else if (lines >= MOST_LINES) page += 1;
      if (updated !== undefined) return first;
    }
  }

  async function appendAll(): Promise<void> {
    isWriting = true;
    while (waiting.length > 0) {
      const taken = waiting.splice(0, MOST_AT_ONCE);
      try {
        let first = await append(taken.map(({ entry }) => entry));
        for (const { entry, resolve } of taken) {
          resolve(first);
          first += entry.span;
        }
      } catch (error) {
        for (const { reject } of taken) reject(error);
      }
    }
    isWriting = false;
  }

  return (entry) =>
    new Promise((resolve, reject) => {
      waiting.push({ entry, resolve, reject });
      if (!isWriting) void appendAll();
    });
}

function toPageKey(page: number): WorkKey {
  return { pk: PK, sk: toSortable(page) };
}

async function findLastPage(work: Table): Promise<number> {
  for await (const { sk } of work.query({ part: PK, descending: true, pageSize: 1 })) return Number(sk?.S ?? 0);
  return 0;
}

function toText({ span, writtenAt, key }: NewEntry): string {
  const [, version = ""] = /^history#0*(\d+)$/.exec(key.sk) ?? [];
  if (version === "")
    throw new StackyardError("INTERNAL", `${JSON.stringify(key.sk)} is not the key of a history row.`);
  return `${span} ${writtenAt} ${version} ${key.pk}`;
}

const TEXT = /^(\d+) (\d+) (\d+) (.*)$/s;

function parsePage(item: Item): readonly LogEntry[] {
  let first = Number(item["sk"]?.S ?? 0) * PAGE + 1;
  return (item["rows"]?.L ?? []).flatMap(({ S: text = "" }) => {
    const [, span, writtenAt, version, pk = ""] = TEXT.exec(text) ?? [];
    const entry = { first, span: Number(span), writtenAt: Number(writtenAt) };
    first += entry.span;
    return [{ ...entry, key: { pk, sk: `history#${toSortable(Number(version))}` } }];
  });
}

/** Where a reader of the log begins, and in which direction it reads. */
interface LogRange {
  readonly after: number | undefined;
  readonly newestFirst: boolean;
}

/** Reads rows with lines past that position, or before it; all of them without one. Consistent. */
export async function* readYardLog(work: Table, range: LogRange): AsyncGenerator<LogEntry, void, undefined> {
  const { after, newestFirst } = range;
  const sk = after === undefined ? undefined : toSortable(toPage(after));
  const from = newestFirst ? undefined : sk;
  const to = newestFirst ? sk : undefined;
  for await (const item of work.query({ part: PK, from, to, descending: newestFirst, pageSize: 64 })) {
    const entries = parsePage(item).filter((entry) => isWithin(entry, range));
    yield* newestFirst ? entries.toReversed() : entries;
  }
}

function isWithin({ first, span }: LogEntry, { after, newestFirst }: LogRange): boolean {
  if (after === undefined) return true;
  return newestFirst ? first < after : first + span - 1 > after;
}

/** The progress of prune: rows up to these positions have lost their lines, and their ended attempts. */
export interface PruneMark {
  readonly lines: number;
  readonly attempts: number;
}

const MARK = { pk: "yard", sk: "prune-log" };

/** Loads the mark; both numbers are 0 before the first prune. */
export async function loadPruneMark(work: Table): Promise<PruneMark> {
  const item = await work.get(MARK);
  return { lines: Number(item?.["lines"]?.N ?? 0), attempts: Number(item?.["attempts"]?.N ?? 0) };
}

/** Remembers how far prune has come. */
export async function savePruneMark(work: Table, mark: PruneMark): Promise<void> {
  await work.put(toItem({ ...MARK, ...mark }));
}

/**
 * A row that is listed and missing may be about to be written: a reader that continued past it would never see it.
 * After this time it is not written any longer.
 */
export const SETTLES_MS = 10_000;

/** Returns the page of a position. */
export function toPage(position: number): number {
  return Math.floor(position / PAGE);
}

/** Finds the row that contains a position. */
export async function findLogEntry(work: Table, position: number): Promise<LogEntry | undefined> {
  const item = await work.get(toPageKey(toPage(position)));
  return item && parsePage(item).find(({ first, span }) => first <= position && position < first + span);
}

/** Removes a page whose rows are gone. The newest page stays, as positions continue in it. */
export async function removePage(work: Table, page: number): Promise<void> {
  await work.remove(toPageKey(page));
}

// An attempt is part of its stack's item, and its id names its stack. Ids of another form have a row.

function toLocatorKey(attemptId: string): WorkKey {
  return { pk: `attempt#${toKeyPart(attemptId)}`, sk: "attempt" };
}

/** Returns the stack that an attempt's id names; undefined when it does not name one. */
export function findNamedStack(attemptId: string): string | undefined {
  return parseAttemptId(attemptId)?.stackId;
}

/** Returns the stack of an attempt, from its id or its row. Undefined: unknown. */
export async function locateAttempt(context: StoreContext, attemptId: string): Promise<string | undefined> {
  return findNamedStack(attemptId) ?? (await readLocator(context, attemptId));
}

/** Returns the stack in the row of an attempt. */
export async function readLocator({ work }: StoreContext, attemptId: string): Promise<string | undefined> {
  const item = await work.get(toLocatorKey(attemptId));
  return item === undefined ? undefined : String(fromItem(item)["stackId"]);
}

/** Writes the row of an attempt whose id does not name its stack; before the attempt begins. */
export async function writeLocator({ work }: StoreContext, attemptId: string, stackId: string): Promise<void> {
  if (findNamedStack(attemptId) === stackId) return;
  await work.put(toItem({ ...toLocatorKey(attemptId), stackId }));
}

/** Removes the row of an attempt without any other data. */
export async function removeLocator({ work }: StoreContext, attemptId: string, stackId: string): Promise<void> {
  if (findNamedStack(attemptId) !== stackId) await work.remove(toLocatorKey(attemptId));
}

/**
 * Runs work after the commit point that the sweep would do too. Logs an error instead of throwing it, because the call
 * has already succeeded. Returns true when the work is done.
 */
export async function attemptLater({ logger }: StoreContext, what: string, run: () => Promise<void>): Promise<boolean> {
  try {
    await run();
    return true;
  } catch (error) {
    logger.warn(`DynamoDB: ${what} is left to the sweep.`, { error });
    return false;
  }
}
