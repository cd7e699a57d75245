import { end, isOpen, markCancelled, send, toCancelledEvent } from "./attempt-moves.ts";
import { ATTEMPTS, type AttemptRow, createAttemptRow } from "./attempt-row.ts";
import { finishEnd } from "./end-attempt.ts";
import { type Move, mutateRow } from "./mutate-row.ts";
import type { CancelAttempt, Dispatch } from "./port-types.ts";
import type { StoreContext } from "./store-context.ts";

/** Makes the attempt, or sends a known one again, once by commit. */
export async function dispatchAttempt(
  context: StoreContext,
  dispatch: Dispatch,
  input: Parameters<typeof createAttemptRow>[1],
): Promise<void> {
  const { now, sentBy } = input;
  const { attemptId, again } = dispatch;
  const decide = (row: AttemptRow | undefined): Move<AttemptRow, void> => {
    if (row === undefined) return { write: createAttemptRow(dispatch, input), result: undefined };
    if (!isOpen(row) || row.sentBy >= sentBy) return { result: undefined };
    return { write: { ...send(row, now), sentBy }, result: undefined };
  };
  await mutateRow(context, ATTEMPTS, attemptId, decide, again ? undefined : "absent");
}

/** Ends an attempt that nobody has claimed, or tells whoever works on it. */
export async function cancelAttempt(
  context: StoreContext,
  cancel: CancelAttempt,
  { now, version }: { readonly now: number; readonly version: number },
): Promise<void> {
  const { attemptId } = cancel;
  const ended = await mutateRow<AttemptRow, AttemptRow | undefined>(context, ATTEMPTS, attemptId, (row) => {
    if (!isOpen(row) || (row.cancelledBy ?? 0) >= version) return { result: undefined };
    if (!cancel.unclaimedAtOnce || row.token > 0) {
      return { write: { ...markCancelled(row, cancel, now), cancelledBy: version }, result: undefined };
    }
    const write = end(row, "cancelled", { now, events: [{ event: toCancelledEvent(row, now) }] });
    return { write, result: write };
  });
  if (ended !== undefined) await finishEnd(context, ended);
}

/** Ends an attempt that its stack knows to have ended; unknown and settled ones are passed over. */
export async function closeAttempt(context: StoreContext, attemptId: string, now: number): Promise<void> {
  const ended = await mutateRow<AttemptRow, AttemptRow | undefined>(context, ATTEMPTS, attemptId, (row) => {
    const write = isOpen(row) ? end(row, "closed", { now }) : undefined;
    return { write, result: write };
  });
  if (ended !== undefined) await finishEnd(context, ended);
}
