import { listPages } from "../list-pages.ts";
import type { Clock } from "../ports/clock.ts";
import {
  createPageBuilder,
  type Page,
  type PageBuilder,
  type PageInput,
  type Records,
  type StoredRecord,
} from "../ports/records.ts";
import { parsePosition } from "../ports/store-helpers.ts";
import {
  type AuditHead,
  EMPTY_HEAD,
  HEAD_KEY,
  LOG_PREFIX,
  parseLine,
  parseWitness,
  toLineKey,
  WITNESS_KEY,
} from "./audit-chain.ts";
import type { AuditLine } from "./audit-entry.ts";
import type { SignedHead } from "./signed-head.ts";

/** A filter for lines; a missing field matches every line. */
export interface AuditFilter {
  /** The id or the name of a sender. */
  readonly who?: string;
  readonly action?: string;
  readonly stackId?: string;
  /** Epoch milliseconds: not earlier. */
  readonly since?: number;
}

/** The sealed lines of the audit log. Entries are sealed within a second, in yards on AWS within a minute. */
export interface AuditLog {
  head(): Promise<AuditHead>;
  /** Reads the last head that the yard has signed, at most an hour old while it runs; undefined before the first. */
  signedHead(): Promise<SignedHead | undefined>;
  /**
   * Lists lines, newest first. A page also ends after a number of examined lines, so it may be empty and have a cursor.
   * Cursors are numbers of lines.
   */
  list(filter: AuditFilter, page: PageInput): Promise<Page<AuditLine>>;
  /** Reads the texts of all lines up to the head, oldest first, as they are hashed. */
  readTexts(): AsyncGenerator<string, void, undefined>;
}

/** Lines that are read at once: with 8 KiB each they fit a page of records. */
const CHUNK = 64;
/** Lines that one page examines. */
const MOST_READ = 6_400;
/** So many lines in a row that are too old end a list. A store may have relayed a few of them late. */
const MOST_OLD = 512;

/** Reads the audit log of a store. */
export function createAuditLog({
  records,
  clock,
}: {
  readonly records: Records;
  readonly clock: Pick<Clock, "now">;
}): AuditLog {
  async function head(): Promise<AuditHead> {
    const record = await records.get(HEAD_KEY, clock.now());
    if (record === undefined) return findLost();
    const { seq, hash, first } = record.value as AuditHead;
    return { seq, hash, first };
  }

  /** Returns the head of a log whose record is missing: as it was noted outside of the log, if it was. */
  async function findLost(): Promise<AuditHead> {
    const noted = parseWitness(await records.get(WITNESS_KEY, clock.now()));
    if (noted === undefined) return EMPTY_HEAD;
    const { items } = await records.list(LOG_PREFIX, { limit: 1, now: clock.now() });
    const { seq, prev } = parseLine(items[0]?.value) ?? EMPTY_HEAD.first;
    return { seq: noted.seq, hash: noted.hash, first: { seq, prev }, lost: true };
  }

  /** Reads the lines of a range of numbers, in order. */
  async function readRange(from: number, to: number): Promise<readonly StoredRecord[]> {
    const found: StoredRecord[] = [];
    for (let cursor: string | undefined = toLineKey(from - 1); cursor !== undefined; ) {
      const page: Page<StoredRecord> = await records.list(LOG_PREFIX, {
        limit: to - from + 1,
        cursor,
        now: clock.now(),
      });
      found.push(...page.items.filter(({ key }) => key <= toLineKey(to)));
      cursor = found.length < page.items.length || found.length > to - from ? undefined : page.cursor;
    }
    return found;
  }

  /** Reads all lines of a log whose head is missing, so that a check finds them. */
  async function* readHeadless(): AsyncGenerator<string, void, undefined> {
    const pages = listPages((start) => records.list(LOG_PREFIX, { limit: CHUNK, now: clock.now(), ...start }));
    for await (const { items } of pages) yield* items.map(({ value }) => String(value));
  }

  return {
    head,
    async signedHead() {
      const { signed, key } = parseWitness(await records.get(WITNESS_KEY, clock.now())) ?? {};
      return signed === undefined || key === undefined ? undefined : { signed, key };
    },
    async list(filter, page) {
      const { seq: last, first } = await head();
      const found = createPageBuilder<AuditLine>(page);
      const cursor = parsePosition(page.cursor);
      let to = Math.min(last, (cursor ?? last + 1) - 1);
      let old = 0;
      const end = Math.max(first.seq, to - MOST_READ + 1);
      while (to >= end && old < MOST_OLD) {
        const from = Math.max(end, to - CHUNK + 1);
        const lines = (await readRange(from, to)).toReversed();
        old = countOld(lines, filter, old);
        if (!addLines(found, lines, filter)) return found.end();
        to = from - 1;
      }
      return found.end(to < first.seq || old >= MOST_OLD ? undefined : String(to + 1));
    },
    async *readTexts() {
      const { seq: last, first, lost } = await head();
      if (last === 0 || lost) return yield* readHeadless();
      for (let from = first.seq; from <= last; from += CHUNK) {
        for (const { value } of await readRange(from, Math.min(last, from + CHUNK - 1))) yield String(value);
      }
    },
  };
}

/** Adds lines to the page. Returns false when the page is full. */
function addLines(found: PageBuilder<AuditLine>, lines: readonly StoredRecord[], filter: AuditFilter): boolean {
  return lines.every(({ key, value }) => {
    const line = parseLine(value);
    if (line !== undefined && !isWanted(line, filter)) return true;
    const seq = String(Number(key.slice(LOG_PREFIX.length)));
    return found.add({ id: seq, cursor: seq, bytes: String(value).length, read: () => line ?? failOf(seq) });
  });
}

function failOf(seq: string): never {
  throw new Error(`Line ${seq} is damaged. Run \`stackyard audit verify\`.`);
}

function isWanted({ who, action, on, at }: AuditLine, filter: AuditFilter): boolean {
  if (filter.who !== undefined && filter.who !== who.id && filter.who !== who.name) return false;
  if (filter.action !== undefined && filter.action !== action) return false;
  // The id of a job is that of its stack.
  if (filter.stackId !== undefined && filter.stackId !== (on.stackId ?? on.jobId)) return false;
  return filter.since === undefined || at >= filter.since;
}

/** Counts how many lines in a row were too old, including these. */
function countOld(lines: readonly StoredRecord[], { since }: AuditFilter, before: number): number {
  if (since === undefined) return 0;
  let count = before;
  for (const { value } of lines) count = (parseLine(value)?.at ?? since) < since ? count + 1 : 0;
  return count;
}
