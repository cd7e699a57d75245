import { ATTEMPTS, type AttemptRow } from "./attempt-row.ts";
import { removeEvents } from "./event-queue.ts";
import { inParallel } from "./in-parallel.ts";
import { LANES, type LaneRow, parseReceipt, type Receipt } from "./lane-row.ts";
import { mutateRow } from "./mutate-row.ts";
import type { StoreContext } from "./store-context.ts";

/** Removes rows of the queue; unknown receipts are passed over. */
export async function acknowledge(context: StoreContext, receipts: readonly string[]): Promise<void> {
  await inParallel(groupReceipts(receipts), async ({ kind, id, numbers }) => {
    if (kind === "event") await removeEvents(context, id, numbers);
    else if (kind === "task") {
      await changeSent(context, id, numbers, (row) => ({ ...row, sent: undefined }));
    }
  });
}

/** Hands rows out again from that instant on. */
export async function giveBack(context: StoreContext, receipts: readonly string[], visibleAt: number): Promise<void> {
  await inParallel(groupReceipts(receipts), async ({ kind, id, numbers }) => {
    if (kind === "event") await giveEventsBack(context, id, numbers, visibleAt);
    else if (kind === "return") await hideReturn(context, id, visibleAt);
    else {
      await changeSent(context, id, numbers, (row, sent) => ({
        ...row,
        sent: { ...sent, visibleAt, dueAt: visibleAt },
      }));
    }
  });
}

interface ReceiptGroup {
  readonly kind: Receipt["kind"];
  readonly id: string;
  readonly numbers: readonly number[];
}

/** Those of one item together. */
function groupReceipts(receipts: readonly string[]): readonly ReceiptGroup[] {
  const parsed = receipts.flatMap((receipt) => parseReceipt(receipt) ?? []);
  return [...Map.groupBy(parsed, ({ kind, id }) => `${kind} ${id}`).values()].flatMap((group) => {
    const [first] = group;
    const numbers = group.flatMap((receipt) => ("no" in receipt ? [receipt.no] : []));
    return first === undefined ? [] : [{ kind: first.kind, id: first.id, numbers }];
  });
}

async function giveEventsBack(context: StoreContext, stackId: string, numbers: readonly number[], visibleAt: number) {
  await mutateRow<LaneRow, void>(context, LANES, stackId, (row) => {
    if (row === undefined) return { result: undefined };
    const events = row.events.map((event) => {
      return numbers.includes(event.no) ? { ...event, visibleAt, dueAt: visibleAt } : event;
    });
    return { write: { ...row, events }, result: undefined };
  });
}

async function hideReturn(context: StoreContext, attemptId: string, until: number): Promise<void> {
  await mutateRow<AttemptRow, void>(context, ATTEMPTS, attemptId, (row) => {
    const at = row?.pollDueAt ?? row?.leaseUntil;
    if (row === undefined || at === undefined) return { result: undefined };
    return { write: { ...row, hidden: { at, until } }, result: undefined };
  });
}

async function changeSent(
  context: StoreContext,
  attemptId: string,
  numbers: readonly number[],
  change: (row: AttemptRow, sent: NonNullable<AttemptRow["sent"]>) => AttemptRow,
): Promise<void> {
  await mutateRow<AttemptRow, void>(context, ATTEMPTS, attemptId, (row) => {
    if (row?.sent === undefined || !numbers.includes(row.sent.no)) return { result: undefined };
    return { write: change(row, row.sent), result: undefined };
  });
}
