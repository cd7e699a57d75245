import type { Aggregate } from "./aggregate.ts";
import type { AttemptRow } from "./attempt-row.ts";
import { fromItem, toItem } from "./attributes.ts";
import { parseHistoryRow } from "./history.ts";
import { tryRead } from "./page.ts";
import type { StoreContext } from "./store-context.ts";
import { toKeyPart, toStackKey, type WorkKey } from "./work-keys.ts";

// Attempts that have ended wait in the item of their stack for the next line of its history, and are kept in its row.

/** A log that is longer is a row of its own, so that the item of the stack stays small. */
const INLINE_LOG = 256;

function toLogKey(attemptId: string): WorkKey {
  return { pk: `log#${toKeyPart(attemptId)}`, sk: "log" };
}

/** True for a log that is written by `writeLog`. */
export function isLongLog(log: string | undefined): boolean {
  return log !== undefined && log.length > INLINE_LOG;
}

/** Writes a long log, before its attempt ends. */
export async function writeLog({ work }: StoreContext, attemptId: string, log: string | undefined): Promise<void> {
  await work.put(toItem({ ...toLogKey(attemptId), log: { text: log } }));
}

/** The end of an attempt whose log was written by `writeLog`. */
export function withLogRow<Move extends { readonly attempt: AttemptRow }>(move: Move): Move {
  return { ...move, attempt: { ...move.attempt, log: "", hasLogRow: true } };
}

/** The log of an attempt; undefined when it has left none. */
export async function readLog({ work }: StoreContext, { attemptId, log, hasLogRow }: AttemptRow) {
  if (hasLogRow !== true) return log;
  const item = await work.get({ ...toLogKey(attemptId) });
  const kept = item === undefined ? undefined : fromItem(item)["log"];
  return typeof kept === "object" && kept !== null && "text" in kept ? String(kept.text) : log;
}

/** Removes the log of an attempt that is pruned. */
export async function removeLog({ work }: StoreContext, { attemptId, hasLogRow }: AttemptRow): Promise<void> {
  if (hasLogRow === true) await work.remove({ ...toLogKey(attemptId) });
}

/** The attempts of a stack that have ended, newest end first. Rows that cannot be read are left out. */
export async function* listEnded(
  { work }: StoreContext,
  stackId: string,
  { ended, outbox }: Aggregate,
): AsyncGenerator<AttemptRow, void, undefined> {
  const seen = new Set<string>();
  const waiting = [...outbox.flatMap((entry) => entry.ended ?? []), ...ended];
  for (const row of waiting.toReversed()) {
    if (seen.has(row.attemptId)) continue;
    seen.add(row.attemptId);
    yield row;
  }
  const { pk, sk } = toStackKey(stackId, "history#");
  const condition = { expression: "pk = :pk AND begins_with(sk, :sk)", values: { ":pk": pk, ":sk": sk } };
  for await (const item of work.query({ condition, descending: true, pageSize: 64 })) {
    const rows = tryRead(() => parseHistoryRow(item).ended).item ?? [];
    for (const row of rows.toReversed()) {
      if (seen.has(row.attemptId)) continue;
      seen.add(row.attemptId);
      yield row;
    }
  }
}
