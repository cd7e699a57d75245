import type { Retention } from "@stackyard/core/engine";
import type { Aggregate, AppliedId } from "./aggregate.ts";
import { fromItem, type Item, toAttribute } from "./attributes.ts";
import { findDueKeys } from "./find-due-keys.ts";
import { inParallel } from "./in-parallel.ts";
import { loadAggregate } from "./load-aggregate.ts";
import { loadRowAt, mutateRow } from "./mutate-row.ts";
import { SHADOWS, type ShadowRow } from "./shadow-row.ts";
import type { StoreContext } from "./store-context.ts";

const AT_ONCE = 200;
/** More than an item, or a tombstone, ever holds: where so many are kept, no id leaves by its age. */
const MOST_IN_ITEM = 500;
const DAY_MS = 24 * 60 * 60 * 1000;
const MARK = { pk: "yard", sk: "prune" };

/** Forgets ids of events that are old enough, but the last ones of each stack. Reads the stacks' table once a day. */
export async function pruneIds(context: StoreContext, retention: Retention, now: number): Promise<boolean> {
  const isMoreMoved = await pruneMoved(context, retention, now);
  if (retention.eventIdCount >= MOST_IN_ITEM) return isMoreMoved;
  const isMore = [await pruneTombstones(context, retention, now), await pruneStacks(context, retention, now)];
  return isMoreMoved || isMore.some(Boolean);
}

/** How many of the oldest go. Pure. */
export function countOld(
  { ids, idCount }: Pick<Aggregate, "ids" | "idCount">,
  { eventIdMs, eventIdCount }: Retention,
  now: number,
): number {
  const firstNo = idCount - ids.length + 1;
  const kept = ids.findIndex(([, at], index) => at >= now - eventIdMs || idCount - (firstNo + index) < eventIdCount);
  return kept === -1 ? ids.length : kept;
}

/** Ids that have left their stack's item. One that is kept for its number is looked at again after a day. */
async function pruneMoved(
  context: StoreContext,
  { eventIdMs, eventIdCount }: Retention,
  now: number,
): Promise<boolean> {
  const old = await findDueKeys(context, "sweep", ["id"], { now: now - eventIdMs - 1, limit: AT_ONCE });
  await inParallel(old, async ({ key }) => {
    const item = await context.work.get({ ...key });
    if (item === undefined) return;
    const { stackId, no } = fromItem(item);
    const { idCount } = await loadAggregate(context, String(stackId));
    if (idCount - Number(no) >= eventIdCount) await context.work.remove({ ...key });
    else await postpone(context, item, now - eventIdMs + DAY_MS);
  });
  return old.length >= AT_ONCE;
}

async function postpone({ work }: StoreContext, item: Item, at: number): Promise<void> {
  const index = Object.entries({ sweepKey: "id", sweepAt: at }).map(
    ([name, value]) => [name, toAttribute(value)] as const,
  );
  await work.put({ ...item, ...Object.fromEntries(index) }, { expression: "attribute_exists(pk)" });
}

async function pruneTombstones(context: StoreContext, retention: Retention, now: number): Promise<boolean> {
  const before = now - retention.eventIdMs - 1;
  const old = await findDueKeys(context, "sweep", ["tombstone", "shadow"], { now: before, limit: AT_ONCE });
  const pruned = await inParallel(old, async ({ key }) => {
    const seen = await loadRowAt<ShadowRow>(context, key);
    if (seen === undefined) return false;
    return mutateRow<ShadowRow, boolean>(context, SHADOWS, seen.stackId, (row) => {
      const gone = row === undefined ? 0 : countOld(row, retention, now);
      if (row === undefined || gone === 0) return { result: false };
      return { write: { ...row, ids: row.ids.slice(gone) }, result: true };
    });
  });
  return pruned.filter(Boolean).length >= AT_ONCE;
}

async function pruneStacks(context: StoreContext, retention: Retention, now: number): Promise<boolean> {
  const { stacks, work } = context;
  const mark = await work.get(MARK);
  const { doneAt, from } = mark === undefined ? {} : readMark(mark);
  if (doneAt !== undefined && now >= doneAt && now - doneAt < DAY_MS) return false;
  const attributes = ["id", "ids", "idCount", "version"];
  const page = await stacks.scan({ attributes, pageSize: AT_ONCE, from });
  await inParallel(page.items, (item) => pruneStack(context, item, retention, now));
  const next = page.next === undefined ? { doneAt: toAttribute(now) } : { from: { M: page.next } };
  await work.put({ pk: { S: MARK.pk }, sk: { S: MARK.sk }, ...next });
  return page.next !== undefined;
}

function readMark(item: Item): { readonly doneAt?: number; readonly from?: Item | undefined } {
  const { doneAt, from } = item;
  return doneAt?.N === undefined ? { from: from?.M } : { doneAt: Number(doneAt.N) };
}

async function pruneStack({ stacks }: StoreContext, item: Item, retention: Retention, now: number): Promise<void> {
  const { id, ids, idCount, version } = fromItem(item) as Partial<Aggregate> & { readonly id: string };
  if (ids === undefined || idCount === undefined || version === undefined) return;
  const gone = countOld({ ids, idCount }, retention, now);
  if (gone === 0) return;
  const left: readonly AppliedId[] = ids.slice(gone);
  // Whoever commits meanwhile writes the ids as they were: the next round finds them again.
  await stacks.update(
    { id },
    { update: "SET ids = :ids", condition: "version = :version", values: { ":ids": left, ":version": version } },
  );
}
