import { attemptLater } from "./attempt-later.ts";
import { enqueue } from "./event-queue.ts";
import { inParallel } from "./in-parallel.ts";
import { loadRow, mutateRow } from "./mutate-row.ts";
import { SET_ASIDE, type SetAsideRow } from "./set-aside-row.ts";
import type { StoreContext } from "./store-context.ts";

/** Puts events back into the queue. Each is a commit of its own; who repeats the call goes on where it ended. */
export async function redrive(context: StoreContext, ids: readonly string[], now: number): Promise<readonly string[]> {
  const unique = [...new Set(ids)];
  const found = await inParallel(unique, (id) => markSent(context, id, now));
  const marked = unique.filter((_, index) => found[index]);
  for (const id of marked) await attemptLater(context, `sending ${id} again`, () => finishRedrive(context, id));
  return ids.filter((id, index) => marked.includes(id) && ids.indexOf(id) === index);
}

async function markSent(context: StoreContext, id: string, now: number): Promise<boolean> {
  return mutateRow<SetAsideRow, boolean>(context, SET_ASIDE, id, (row) => {
    if (row === undefined || row.sentAgain !== undefined) return { result: false };
    return { write: { ...row, sentAgain: { at: now, isQueued: false } }, result: true };
  });
}

/** Queues an event that was marked, if that is not done. */
export async function finishRedrive(context: StoreContext, id: string): Promise<void> {
  const marked = await loadRow(context, SET_ASIDE, id);
  if (marked?.sentAgain === undefined || marked.sentAgain.isQueued) return;
  await enqueue(context, [{ event: marked.entry.event }]);
  await mutateRow<SetAsideRow, void>(context, SET_ASIDE, id, (row) => {
    if (row?.sentAgain === undefined) return { result: undefined };
    return { write: { ...row, sentAgain: { ...row.sentAgain, isQueued: true } }, result: undefined };
  });
}
