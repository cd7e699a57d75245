import { cancelAttempt, closeAttempt, isOpen } from "@stackyard/core/attempt";
import { createAttemptRow, send, toMovedRow } from "./attempt-moves.ts";
import { ATTEMPTS, type AttemptRow } from "./attempt-row.ts";
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
export async function applyCancel(
  context: StoreContext,
  cancel: CancelAttempt,
  { now, version }: { readonly now: number; readonly version: number },
): Promise<void> {
  const { attemptId } = cancel;
  const ended = await mutateRow<AttemptRow, AttemptRow | undefined>(context, ATTEMPTS, attemptId, (row) => {
    if (!isOpen(row) || (row.cancelledBy ?? 0) >= version) return { result: undefined };
    const move = cancelAttempt(row, cancel, now);
    const write = move && { ...toMovedRow(move, now), cancelledBy: version };
    return { write, result: isOpen(write) ? undefined : write };
  });
  if (ended !== undefined) await finishEnd(context, ended);
}

/** Ends an attempt that its stack knows to have ended; unknown and settled ones are passed over. */
export async function applyClose(context: StoreContext, attemptId: string, now: number): Promise<void> {
  const ended = await mutateRow<AttemptRow, AttemptRow | undefined>(context, ATTEMPTS, attemptId, (row) => {
    const move = closeAttempt(row, now);
    const write = move && toMovedRow(move, now);
    return { write, result: write };
  });
  if (ended !== undefined) await finishEnd(context, ended);
}
