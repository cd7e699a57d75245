import { isOpen, promote } from "./attempt-moves.ts";
import { ATTEMPTS, type AttemptRow } from "./attempt-row.ts";
import { type Move, mutateRow, type RowKind, type WorkRow } from "./mutate-row.ts";
import type { StoreContext } from "./store-context.ts";
import { toKeyPart } from "./work-keys.ts";

/** One that waits for a key; `sequence` is the order of dispatch. */
export interface Waiter {
  readonly attemptId: string;
  readonly sequence: number;
}

/** A key that somebody has, and who waits for it, in order. A free key has no item. */
export interface KeyRow extends WorkRow {
  readonly key: string;
  readonly holder: string;
  readonly waiters: readonly Waiter[];
}

/** How keys are kept. */
export const KEYS: RowKind<KeyRow> = {
  name: "exclusive key",
  toKey: (key) => ({ pk: `key#${toKeyPart(key)}`, sk: "key" }),
  toIndex: () => ({}),
};

/** Whether the key is one's own, or whom one waits for. */
type TakenKey = { readonly kind: "taken" } | { readonly kind: "queued"; readonly row: KeyRow };

/** Takes a free key, or queues for it. Answers alike when it is done again. */
export async function takeKey(
  context: StoreContext,
  key: string,
  { attemptId, sequence }: AttemptRow,
): Promise<TakenKey> {
  return mutateRow<KeyRow, TakenKey>(context, KEYS, key, (row) => {
    if (row === undefined) return { write: { key, holder: attemptId, waiters: [] }, result: { kind: "taken" } };
    if (row.holder === attemptId) return { result: { kind: "taken" } };
    if (row.waiters.some((waiter) => waiter.attemptId === attemptId)) return { result: { kind: "queued", row } };
    const later = row.waiters.findIndex((waiter) => waiter.sequence > sequence);
    const at = later === -1 ? row.waiters.length : later;
    const write = { ...row, waiters: row.waiters.toSpliced(at, 0, { attemptId, sequence }) };
    return { write, result: { kind: "queued", row: write } };
  });
}

/**
 * Brings a key in order: whoever has left is neither holder nor in the queue, the holder is alive, and it knows that it
 * has the key. Whoever ends calls it after its end is written, whoever queues after it is written as queued: so that
 * however they meet, the later one of them sees the other. Doing it again changes nothing.
 */
export async function settleKey(
  context: StoreContext,
  key: string,
  { left, now }: { readonly left?: string; readonly now: number },
): Promise<void> {
  let gone = left;
  do {
    const leaver = gone;
    const holder = await mutateRow(context, KEYS, key, (row) => leave(row, leaver));
    gone = holder !== undefined && (await wakeHolder(context, key, holder, now)) === "dead" ? holder : undefined;
  } while (gone !== undefined);
}

/** Gives the holder afterwards. */
function leave(row: KeyRow | undefined, leaver: string | undefined): Move<KeyRow, string | undefined> {
  if (row === undefined) return { result: undefined };
  const waiters = row.waiters.filter(({ attemptId }) => attemptId !== leaver);
  if (row.holder !== leaver) {
    const isChanged = waiters.length < row.waiters.length;
    return { write: isChanged ? { ...row, waiters } : undefined, result: row.holder };
  }
  const [next, ...others] = waiters;
  if (next === undefined) return { write: "remove", result: undefined };
  return { write: { ...row, holder: next.attemptId, waiters: others }, result: next.attemptId };
}

async function wakeHolder(context: StoreContext, key: string, holder: string, now: number): Promise<"dead" | "alive"> {
  const became = await mutateRow<AttemptRow, "dead" | "alive" | "woken">(context, ATTEMPTS, holder, (row) => {
    if (!isOpen(row)) return { result: "dead" };
    if (row.status !== "queued" || row.queuedFor !== key) return { result: "alive" };
    return { write: promote(row, key, now), result: "woken" };
  });
  if (became === "woken") context.listeners.tell("task");
  return became === "dead" ? "dead" : "alive";
}
