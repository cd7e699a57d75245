import { grantKey, joinKeyQueue, type KeyQueue, leaveKeyQueue } from "@stackyard/core/attempt";
import type { AttemptRow } from "./attempt-row.ts";
import { changeAttempt } from "./change-attempt.ts";
import { type Move, mutateRow, type RowKind, type WorkRow } from "./mutate-row.ts";
import type { StoreContext } from "./store-context.ts";
import { toKeyPart } from "./work-keys.ts";

/** The queue of a key as an item. A free key has none. */
export interface KeyRow extends WorkRow, KeyQueue {
  readonly key: string;
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
    const joined = joinKeyQueue(row, { attemptId, sequence });
    const next = joined === row ? row : { ...row, ...joined, key };
    const write = next === row ? undefined : next;
    return { write, result: joined.holder === attemptId ? { kind: "taken" } : { kind: "queued", row: next } };
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
  const left = leaver === undefined ? row : leaveKeyQueue(row, leaver);
  if (left === undefined) return { write: "remove", result: undefined };
  return { write: left === row ? undefined : { ...row, ...left }, result: left.holder };
}

async function wakeHolder(context: StoreContext, key: string, holder: string, now: number): Promise<"dead" | "alive"> {
  const became = await changeAttempt<"dead" | "alive" | "woken">(context, holder, now, (row) => {
    if (row === undefined) return { result: "dead" };
    if (row.status !== "queued" || row.queuedFor !== key) return { result: "alive" };
    return { move: grantKey(row, key, now), result: "woken" };
  });
  if (became === "woken") context.listeners.tell("task");
  return became === "dead" ? "dead" : "alive";
}
