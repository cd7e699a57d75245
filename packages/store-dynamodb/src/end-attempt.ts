import { ATTEMPTS, type AttemptRow } from "./attempt-row.ts";
import { enqueue } from "./event-queue.ts";
import { settleKey } from "./exclusive-key.ts";
import { loadRow, mutateRow } from "./mutate-row.ts";
import type { StoreContext } from "./store-context.ts";

/** Does what the end of an attempt has left to do, if anything; it may be done again. */
export async function finishEnd(context: StoreContext, attemptId: string, seen?: AttemptRow): Promise<void> {
  const ended = seen ?? (await loadRow(context, ATTEMPTS, attemptId));
  if (ended?.outbox === undefined) return;
  const { events, keys, at } = ended.outbox;
  await enqueue(context, events);
  for (const key of keys) await settleKey(context, key, { left: attemptId, now: at });
  await mutateRow<AttemptRow, void>(context, ATTEMPTS, attemptId, (row) => {
    if (row?.outbox === undefined) return { result: undefined };
    return { write: { ...row, outbox: undefined }, result: undefined };
  });
}
