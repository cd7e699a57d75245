import { isOpen } from "@stackyard/core/attempt";
import { type Aggregate, findRepairAt, type OutboxEntry } from "./aggregate.ts";
import { attemptLater } from "./attempt-later.ts";
import { findOpen, putAttempt } from "./attempt-moves.ts";
import { acknowledge, enqueue } from "./event-queue.ts";
import { settleKey } from "./exclusive-key.ts";
import { writeHistory } from "./history.ts";
import { inParallel } from "./in-parallel.ts";
import { putSetAside } from "./set-aside.ts";
import { changeStack, toDoneKey } from "./stack-home.ts";
import type { StoreContext } from "./store-context.ts";
import { toStackKey } from "./work-keys.ts";

/** What fails is tried again after so long. */
const REPAIR_AGAIN_MS = 60_000;
/** So many entries are remembered to be done. One that is forgotten is only looked at again. */
const MOST_DONE = 10_000;

/**
 * Writes the lines of all entries that are not known to be done, in order, so that lines have their positions in the order
 * of the writes. Entries stay in the item until its next write, which saves a write of the item for each transition; the
 * sweep finds what no one has done.
 */
export async function recordEntries(context: StoreContext, stackId: string, written: Aggregate): Promise<void> {
  for (const entry of written.outbox) {
    if (context.done.has(toDoneKey(stackId, entry.version))) continue;
    const isDone = await attemptLater(context, toWhat(stackId), () =>
      record(context, stackId, entry, entry.version === written.version),
    );
    if (!isDone) return;
    if (!hasMore(entry)) remember(context, toDoneKey(stackId, entry.version));
  }
}

/** Does what the last write has left to do in items of other stacks and of keys, as far as it gets. */
export async function publishLast(context: StoreContext, stackId: string, written: Aggregate): Promise<void> {
  const entry = written.outbox.find(({ version }) => version === written.version);
  if (entry === undefined || !hasMore(entry)) return;
  if (await attemptLater(context, toWhat(stackId), () => publish(context, entry))) {
    remember(context, toDoneKey(stackId, entry.version));
  }
}

function toWhat(stackId: string): string {
  return `what follows from a write of the stack ${JSON.stringify(stackId)}`;
}

function hasMore({ leaves, events, receipts }: OutboxEntry): boolean {
  return leaves !== undefined || events !== undefined || receipts !== undefined;
}

/** May be done again, by several processes at once. */
async function record(context: StoreContext, stackId: string, entry: OutboxEntry, isNew: boolean): Promise<void> {
  const { setAside = [], unused = [], lines = [] } = entry;
  await Promise.all([
    writeHistory(context, stackId, entry, isNew),
    inParallel(setAside, (event) => putSetAside(context, event)),
    inParallel(unused, (name) => context.work.remove({ ...toStackKey(stackId, name) })),
  ]);
  if (lines.length > 0) context.listeners.tell("history");
}

/** May be done again, by several processes at once. */
async function publish(
  context: StoreContext,
  { leaves = [], events = [], receipts = [], now }: OutboxEntry,
): Promise<void> {
  await acknowledge(context, receipts);
  if (events.length > 0) await enqueue(context, events);
  for (const { attemptId, keys } of leaves) {
    for (const key of keys) await settleKey(context, key, { left: attemptId, now });
  }
}

function remember({ done }: StoreContext, key: string): void {
  done.add(key);
  const [oldest] = done;
  if (done.size > MOST_DONE && oldest !== undefined) done.delete(oldest);
}

/** Finishes what writes of a stack have not, when it is due. One that fails is tried again after a minute. */
export async function repairStack(
  context: StoreContext,
  stackId: string,
  aggregate: Aggregate,
  now: number,
): Promise<void> {
  const due = aggregate.outbox.filter((entry) => (findRepairAt([entry]) ?? 0) <= now);
  const isDone = await attemptLater(context, toWhat(stackId), async () => {
    for (const entry of due) {
      await record(context, stackId, entry, false);
      await publish(context, entry);
      remember(context, toDoneKey(stackId, entry.version));
    }
  });
  const at = findRepairAt(aggregate.outbox);
  const checked = aggregate.attempts.filter(({ checkAt }) => checkAt !== undefined && checkAt <= now);
  for (const { queuedFor } of checked) {
    if (queuedFor !== undefined) await settleKey(context, queuedFor, { now });
  }
  await changeStack<void>(context, stackId, (current) => {
    const isFailed = !isDone && at !== undefined;
    const repairHidden = isFailed ? { at, until: now + REPAIR_AGAIN_MS } : undefined;
    const next = checked.reduce((before, { attemptId }) => {
      const row = findOpen(before, attemptId);
      if (!isOpen(row) || row.status !== "queued") return before;
      return putAttempt(before, { ...row, checkAt: now + REPAIR_AGAIN_MS });
    }, current);
    return { next: { ...next, repairHidden }, result: undefined };
  });
}
