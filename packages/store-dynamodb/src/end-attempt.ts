import { ATTEMPTS, type AttemptRow } from "./attempt-row.ts";
import { enqueue } from "./event-queue.ts";
import { settleKey } from "./exclusive-key.ts";
import { mutateRow } from "./mutate-row.ts";
import type { StoreContext } from "./store-context.ts";

/** Does what the end of an attempt has left to do, if anything; it may be done again. */
export async function finishEnd(context: StoreContext, { attemptId, outbox }: AttemptRow): Promise<void> {
  if (outbox === undefined) return;
  const { events, keys, at } = outbox;
  await enqueue(context, events);
  for (const key of keys) await settleKey(context, key, { left: attemptId, now: at });
  await mutateRow<AttemptRow, void>(context, ATTEMPTS, attemptId, (row) => {
    if (row?.outbox === undefined) return { result: undefined };
    return { write: { ...row, outbox: undefined }, result: undefined };
  });
}
