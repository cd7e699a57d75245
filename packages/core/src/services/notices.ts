import { hash } from "node:crypto";
import { Type } from "typebox";
import { Check } from "typebox/value";
import { cutText } from "../machine/cut-text.ts";
import { changeRecord } from "../ports/change-record.ts";
import type { Clock } from "../ports/clock.ts";
import type { Records } from "../ports/records.ts";
import { openPosition, toPosition } from "./stored-position.ts";

/** News for people that is in no stack's history, such as a dead letter of a queue. */
export interface NoticeInput {
  /**
   * Such as `dead-letter`, `channel-failed`, `history-gap`, `orphan`, `reports-stopped` and `costs-denied`. Rules of
   * notifications choose by it.
   */
  readonly kind: string;
  /** With the kind it names what the notice is about: the same is noticed once in 30 days. */
  readonly key: string;
  /** One line. Cut at 255 characters. */
  readonly title: string;
  /** The event and what to do. Cut at 4,096 characters. Never a secret. */
  readonly text: string;
  /** The stack that it is about. */
  readonly stackId?: string;
  /** Facts for rules. Small: all of a notice fits into 64 KiB. */
  readonly data?: Readonly<Record<string, string | number | boolean | null>>;
}

/** A stored notice. */
export interface Notice extends NoticeInput {
  /** Follows from kind and key. */
  readonly id: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** From 1, without gaps. */
  readonly position: number;
}

/** Where notices are kept. */
export interface NoticesDeps {
  readonly records: Records;
  readonly clock: Pick<Clock, "now">;
}

/** The notices of a yard in the order of their positions. */
export const NOTICES = "notices/log/";
/** The newest position, or one before it after a crash. */
const NEWEST = "notices/newest";
const KEEP_MS = 30 * 86_400_000;
const MAX_TITLE = 255;
const MAX_TEXT = 4_096;
const PAGE = 100;

const Stored = Type.Object({
  id: Type.String(),
  kind: Type.String(),
  key: Type.String(),
  title: Type.String(),
  text: Type.String(),
  at: Type.Number(),
  position: Type.Number(),
});

const toKnownKey = (id: string): string => `notices/known/${id}`;
const toLogKey = (position: number): string => `${NOTICES}${String(position).padStart(12, "0")}`;

/**
 * Adds a notice for people. May be repeated: one notice of a kind and key is kept for 30 days, and until then a repeat
 * has no effect.
 */
export async function notify(deps: NoticesDeps, input: NoticeInput): Promise<void> {
  const id = hash("sha256", JSON.stringify([input.kind, input.key])).slice(0, 32);
  const now = deps.clock.now();
  const key = toKnownKey(id);
  if ((await deps.records.get(key, now)) !== undefined) return;
  const { title, text } = input;
  const value = { ...input, id, at: now, title: cutText(title, MAX_TITLE), text: cutText(text, MAX_TEXT) };
  // First: after a crash in between the notice is followed, and a repetition completes it.
  const position = await append(deps, value);
  await deps.records.put({ key, value: { position }, expected: "absent", expiresAt: now + KEEP_MS, now });
}

/**
 * Writes a notice behind the newest one. A position is taken by its write, so that nothing is ever written before a
 * position that was read. A notice that another process, or this one before it died, has just written is not repeated.
 */
async function append({ records, clock }: NoticesDeps, value: Omit<Notice, "position">): Promise<number> {
  const now = clock.now();
  const newest = await findPosition({ records, clock });
  const before = (await records.get(toLogKey(newest), now))?.value;
  if (isNotice(before) && before.id === value.id) return newest;
  for (let position = newest + 1; ; position += 1) {
    const write = { value: { ...value, position }, expiresAt: now + KEEP_MS, now };
    const put = await records.put({ ...write, key: toLogKey(position), expected: "absent" });
    const isKnown = put.kind === "conflict" && isNotice(put.current?.value) && put.current.value.id === value.id;
    if (put.kind === "conflict" && !isKnown) continue;
    await changeRecord({
      records,
      clock,
      key: NEWEST,
      decide: (found) => ({ write: (toPosition(found?.value) ?? 0) >= position ? undefined : { value: { position } } }),
    });
    return position;
  }
}

async function findPosition({ records, clock }: NoticesDeps): Promise<number> {
  return toPosition((await records.get(NEWEST, clock.now()))?.value) ?? 0;
}

/** Returns whether there is a notice behind this position. Writes nothing. */
export async function hasNoticeAfter({ records, clock }: NoticesDeps, position: number): Promise<boolean> {
  return (await records.get(toLogKey(position + 1), clock.now())) !== undefined;
}

/** Reads the yard's notices from its stored position. Any number of readers read them, each under its name. */
export interface NoticeFollower {
  /** Reads at most 100 notices behind the stored position, oldest first. At its first call it begins at the end. */
  read(): Promise<{ readonly notices: readonly Notice[]; readonly end: number; readonly hasMore: boolean }>;
  /** Stores that all notices up to this position are handled. Call `read` first. */
  keep(position: number): Promise<void>;
}

/** Creates the reader of notices under a name, as that of a follower of the history. One process at a time uses it. */
export function followNotices(deps: NoticesDeps, name: string): NoticeFollower {
  const stored = openPosition(deps, `followers/${name}/notices`, name);
  return {
    keep: stored.keep,
    async read() {
      const position = await stored.load();
      if (position === undefined) {
        const end = await findEnd(deps);
        await stored.keep(end);
        return { notices: [], end, hasMore: false };
      }
      // Those behind it may have expired.
      const isGone = !(await hasNoticeAfter(deps, position)) && (await findPosition(deps)) > position;
      return readPage(deps, isGone ? await findBeforeOldest(deps) : position);
    },
  };
}

/** Returns the position of the newest notice, also after a crash between a notice and its position. */
async function findEnd(deps: NoticesDeps): Promise<number> {
  let end = await findPosition(deps);
  while (await hasNoticeAfter(deps, end)) end += 1;
  return end;
}

/** Reads the notices behind a position, at most a page. */
async function readPage({ records, clock }: NoticesDeps, position: number) {
  const notices: Notice[] = [];
  let end = position;
  while (notices.length < PAGE) {
    const next = (await records.get(toLogKey(end + 1), clock.now()))?.value;
    if (next === undefined) break;
    end += 1;
    if (isNotice(next)) notices.push(next);
  }
  return { notices, end, hasMore: notices.length === PAGE };
}

/** Returns the position before the oldest notice that is left; the newest one when none is left. */
async function findBeforeOldest({ records, clock }: NoticesDeps): Promise<number> {
  const { items } = await records.list(NOTICES, { limit: 1, now: clock.now() });
  const [oldest] = items;
  return oldest === undefined ? findPosition({ records, clock }) : (toPosition(oldest.value) ?? 1) - 1;
}

/** Returns true for a stored notice. */
export function isNotice(value: unknown): value is Notice {
  return Check(Stored, value);
}

/**
 * Adds the notice of a dead letter in a queue of services. `death` distinguishes it from an earlier one of the same
 * key.
 */
export async function notifyDeadLetter(
  deps: NoticesDeps,
  letter: { readonly queue: string; readonly key: string; readonly death: string; readonly message: string },
): Promise<void> {
  const { queue, key, death, message } = letter;
  await notify(deps, {
    kind: "dead-letter",
    key: `${queue}/${key}/${death}`,
    title: `An item of the queue "${queue}" is a dead letter`,
    text: `${key}: ${message} Repeat it with "stackyard queue redrive" once the cause is corrected.`,
    data: { queue, key },
  });
}

/**
 * Adds the notice that lines of the history were pruned before a follower has read them, or that the store was
 * restored.
 */
export async function notifyHistoryGap(deps: NoticesDeps, follower: string, position: number): Promise<void> {
  await notify(deps, {
    kind: "history-gap",
    key: `${follower}/${position}`,
    title: `"${follower}" missed lines of the history`,
    text: "HISTORY_GAP: The history was pruned before it was read, or the store was restored to an earlier time.",
    data: { follower, position },
  });
}
