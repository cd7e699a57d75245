import { StackyardError } from "@stackyard/core";
import { type Item, toItem } from "./attributes.ts";
import type { Condition, Table } from "./database.ts";
import { toSortable, type WorkKey } from "./work-keys.ts";

// All rows of the history in one order: pages, each a row of the work table with the keys of some rows. The place in the
// log is the position of a row's lines. One write of the newest page numbers the rows of all that commit at the same time
// and lists them: a counter and an index of rows would be a write each.

/** A row of the history in the log. */
export interface LogEntry {
  /** The position of its first line; the others follow it. */
  readonly first: number;
  /** How many lines it has. */
  readonly span: number;
  /** When it was listed, by our clock: the row itself is written after that. */
  readonly writtenAt: number;
  readonly key: WorkKey;
}

/** A row to list. */
export type NewEntry = Pick<LogEntry, "span" | "writtenAt" | "key">;

/** A page is full with so many lines; with short keys it has less than 1 KB, which is one unit to write. */
const MOST_LINES = 14;
/** So many rows are listed by one write. */
const MOST_AT_ONCE = 100;
/** The first position of a page is that of the page before and so many. */
const PAGE = 1_000_000;
const PK = "log";

interface Waiting {
  readonly entry: NewEntry;
  resolve(first: number): void;
  reject(error: unknown): void;
}

/** Lists rows, and gives the positions of their first lines. Those who come while a write is under way share the next. */
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

function toPageKey(page: number): WorkKey & Readonly<Record<string, string>> {
  return { pk: PK, sk: toSortable(page) };
}

async function findLastPage(work: Table): Promise<number> {
  const condition = { expression: "pk = :pk", values: { ":pk": PK } };
  for await (const { sk } of work.query({ condition, descending: true, pageSize: 1 })) return Number(sk?.S ?? 0);
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
export interface LogRange {
  readonly after: number | undefined;
  readonly newestFirst: boolean;
}

/** Rows with lines past that position, or before it; all of them without one. Consistent. */
export async function* readLog(work: Table, range: LogRange): AsyncGenerator<LogEntry, void, undefined> {
  const { newestFirst } = range;
  for await (const item of work.query({ condition: toCondition(range), descending: newestFirst, pageSize: 64 })) {
    const entries = parsePage(item).filter((entry) => isWithin(entry, range));
    yield* newestFirst ? entries.toReversed() : entries;
  }
}

function toCondition({ after, newestFirst }: LogRange): Condition {
  if (after === undefined) return { expression: "pk = :pk", values: { ":pk": PK } };
  const expression = `pk = :pk AND sk ${newestFirst ? "<=" : ">="} :sk`;
  return { expression, values: { ":pk": PK, ":sk": toSortable(toPage(after)) } };
}

function isWithin({ first, span }: LogEntry, { after, newestFirst }: LogRange): boolean {
  if (after === undefined) return true;
  return newestFirst ? first < after : first + span - 1 > after;
}

/** How far prune has come: rows up to these positions have lost their lines, and their ended attempts. */
export interface PruneMark {
  readonly lines: number;
  readonly attempts: number;
}

const MARK = { pk: "yard", sk: "prune-log" };

/** Both are 0 before the first prune. */
export async function loadPruneMark(work: Table): Promise<PruneMark> {
  const item = await work.get(MARK);
  return { lines: Number(item?.["lines"]?.N ?? 0), attempts: Number(item?.["attempts"]?.N ?? 0) };
}

/** Remembers how far prune has come. */
export async function savePruneMark(work: Table, mark: PruneMark): Promise<void> {
  await work.put(toItem({ ...MARK, ...mark }));
}

/**
 * A row that is listed and is not there may be about to be written: a reader that went past it would never see it. After
 * so long it does not come any more.
 */
export const SETTLES_MS = 10_000;

/** The page of a position. */
export function toPage(position: number): number {
  return Math.floor(position / PAGE);
}

/** The row that holds a position. */
export async function findLogEntry(work: Table, position: number): Promise<LogEntry | undefined> {
  const item = await work.get(toPageKey(toPage(position)));
  return item && parsePage(item).find(({ first, span }) => first <= position && position < first + span);
}

/** Removes a page whose rows are gone. The newest page stays, as positions continue in it. */
export async function removePage(work: Table, page: number): Promise<void> {
  await work.remove(toPageKey(page));
}
