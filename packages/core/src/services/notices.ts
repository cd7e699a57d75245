import { hash } from "node:crypto";
import { Type } from "typebox";
import { Check } from "typebox/value";
import { cutText } from "../machine/cut-text.ts";
import type { Clock } from "../ports/clock.ts";
import type { Records } from "../ports/records.ts";

/** News for people that is in no stack's history, such as a dead letter of a queue. */
export interface NoticeInput {
  /**
   * Such as `dead-letter`, `history-gap`, `orphan`, `reports-stopped` and `costs-denied`. Rules of notifications choose
   * by it.
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
}

/** Where notices are kept. */
export interface NoticesDeps {
  readonly records: Records;
  readonly clock: Pick<Clock, "now">;
}

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
});

const toKnownKey = (id: string): string => `notices/known/${id}`;
const toPendingKey = (id: string): string => `notices/pending/${id}`;

/**
 * Adds a notice for people. May be repeated: one notice of a kind and key is kept for 30 days, and until then a repeat
 * has no effect. After a crash in between it may be followed twice, with the same id.
 */
export async function notify(deps: NoticesDeps, input: NoticeInput): Promise<void> {
  const id = hash("sha256", JSON.stringify([input.kind, input.key])).slice(0, 32);
  const now = deps.clock.now();
  if ((await deps.records.get(toKnownKey(id), now)) !== undefined) return;
  const { title, text } = input;
  const value: Notice = { ...input, id, at: now, title: cutText(title, MAX_TITLE), text: cutText(text, MAX_TEXT) };
  // First: after a crash in between the notice is followed, and a repetition completes it.
  for (const key of [toPendingKey(id), toKnownKey(id)]) {
    await deps.records.put({ key, value, expected: "absent", expiresAt: now + KEEP_MS, now });
  }
}

/** Returns whether notices wait to be followed. Writes nothing. */
export async function hasNotices({ records, clock }: NoticesDeps): Promise<boolean> {
  const { items } = await records.list(toPendingKey(""), { limit: 1, now: clock.now() });
  return items.length > 0;
}

/**
 * Hands over notices that were not followed yet, oldest first in each page of at most 100, and forgets that they wait
 * once `handle` has resolved: each is handled at least once. Without notices nothing is called. One process at a time
 * does this.
 */
export async function followNotices(
  { records, clock }: NoticesDeps,
  handle: (notices: readonly Notice[]) => Promise<void>,
): Promise<{ readonly hasMore: boolean }> {
  const { items, cursor } = await records.list(toPendingKey(""), { limit: PAGE, now: clock.now() });
  // Other values are skipped, and removed with the others.
  const notices = items.map(({ value }) => value).filter(isNotice);
  if (notices.length > 0) await handle(notices.toSorted((one, other) => one.at - other.at));
  for (const { key, version } of items) await records.remove(key, version);
  return { hasMore: cursor !== undefined };
}

function isNotice(value: unknown): value is Notice {
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
