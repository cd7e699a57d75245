import type { Retention } from "@stackyard/core/engine";
import type { AttemptRow } from "./attempt-row.ts";
import { findDueKeys, takeFirst } from "./find-due-keys.ts";
import { HISTORY_LIST, type HistoryRow, listLines, toEventLineKey } from "./history-row.ts";
import { inParallel } from "./in-parallel.ts";
import { readSetAside } from "./list-set-aside.ts";
import { toWorkKey } from "./load-listed.ts";
import { loadRowAt, type WorkRow } from "./mutate-row.ts";
import { pruneIds } from "./prune-ids.ts";
import { SET_ASIDE } from "./set-aside-row.ts";
import type { StoreContext } from "./store-context.ts";
import { WORK_INDEXES } from "./table-definitions.ts";

/** Of one kind in one call. */
const AT_ONCE = 200;

/** Removes what is older than it is kept; true when more is left. */
export async function prune(context: StoreContext, retention: Retention, now: number): Promise<boolean> {
  const isMore = await Promise.all([
    pruneHistory(context, now - retention.historyMs),
    pruneAttempts(context, now - retention.settledAttemptMs),
    pruneSetAside(context, now - retention.setAsideMs),
    pruneByAge(context, "record", now + 1),
    pruneByAge(context, "sent-again", now - retention.setAsideMs),
    pruneIds(context, retention, now),
  ]);
  return isMore.some(Boolean);
}

async function pruneHistory(context: StoreContext, before: number): Promise<boolean> {
  const { name, key } = WORK_INDEXES.list;
  const condition = { expression: `${key} = :key`, values: { ":key": HISTORY_LIST } };
  const items = await takeFirst(context.work.query({ index: name, condition, pageSize: AT_ONCE }), AT_ONCE);
  const rows = await inParallel(items, async (item) => {
    const at = toWorkKey(item);
    return { at, row: await loadRowAt<HistoryRow & WorkRow>(context, at) };
  });
  const young = rows.findIndex(({ row }) => row !== undefined && row.at >= before);
  const old = young === -1 ? rows : rows.slice(0, young);
  await inParallel(old, async ({ at, row }) => {
    const lines = row === undefined ? [] : listLines(row);
    await inParallel(lines, (line) => context.work.remove({ ...toEventLineKey(line.eventId, line.position) }));
    await context.work.remove({ ...at });
  });
  return old.length === AT_ONCE;
}

/** By the age of their end; what their end has left to do is done first. */
async function pruneAttempts(context: StoreContext, before: number): Promise<boolean> {
  const old = await findDueKeys(context, "sweep", ["settled"], { now: before - 1, limit: AT_ONCE });
  await inParallel(old, async ({ key }) => {
    const row = await loadRowAt<AttemptRow>(context, key);
    if (row?.settledAt === undefined || row.settledAt >= before || row.outbox !== undefined) return;
    await context.work.remove({ ...key });
  });
  return old.length >= AT_ONCE;
}

async function pruneSetAside(context: StoreContext, before: number): Promise<boolean> {
  for await (const { entry } of readSetAside(context, { descending: false })) {
    if (entry.setAsideAt < before) await context.work.remove({ ...SET_ASIDE.toKey(entry.id) });
  }
  return false;
}

/** What is known by its index entry alone; the item must still have it. */
async function pruneByAge(context: StoreContext, kind: string, before: number): Promise<boolean> {
  const { at } = WORK_INDEXES.sweep;
  const old = await findDueKeys(context, "sweep", [kind], { now: before - 1, limit: AT_ONCE });
  const condition = { expression: `${at} < :before`, values: { ":before": before } };
  await inParallel(old, ({ key }) => context.work.remove({ ...key }, condition));
  return old.length >= AT_ONCE;
}
