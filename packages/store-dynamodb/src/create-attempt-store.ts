import { renewAttempt, settleAttempt, suspendAttempt } from "@stackyard/core/attempt";
import type { AttemptView, Grant } from "@stackyard/core/engine";
import { attemptLater } from "./attempt-later.ts";
import { toMovedRow } from "./attempt-moves.ts";
import { ATTEMPTS, type AttemptRow } from "./attempt-row.ts";
import { claim } from "./claim.ts";
import { finishEnd } from "./end-attempt.ts";
import { listAttempts, viewAttempt } from "./list-attempts.ts";
import { loadRow, mutateRow } from "./mutate-row.ts";
import type { RenewInput, RenewResult, SettleInput, SuspendInput, TaskMessage } from "./port-types.ts";
import type { StoreContext } from "./store-context.ts";

/** The part of the port that workers use. */
export function createAttemptStore(context: StoreContext) {
  return {
    claim: (input: Parameters<typeof claim>[1]) => claim(context, input),
    renew: (grant: Grant, input: RenewInput) => renewNow(context, grant, input),
    suspend: (grant: Grant, input: SuspendInput) => suspendNow(context, grant, input),
    settle: (grant: Grant, input: SettleInput) => settle(context, grant, input),
    async findAttempt(attemptId: string): Promise<AttemptView | undefined> {
      const row = await loadRow(context, ATTEMPTS, attemptId);
      return row && viewAttempt(context, row);
    },
    listAttempts: (stackId: string) => listAttempts(context, stackId),
    async findTaskMessage(attemptId: string): Promise<TaskMessage | undefined> {
      return (await loadRow(context, ATTEMPTS, attemptId))?.message;
    },
  };
}

async function renewNow(context: StoreContext, grant: Grant, input: RenewInput): Promise<RenewResult> {
  return mutateRow<AttemptRow, RenewResult>(context, ATTEMPTS, grant.attemptId, (row) => {
    const renewed = renewAttempt(row, grant, input);
    return renewed === undefined ? { result: { kind: "lost" } } : { write: renewed.attempt, result: renewed.answer };
  });
}

async function suspendNow(context: StoreContext, grant: Grant, input: SuspendInput): Promise<"suspended" | "lost"> {
  return mutateRow<AttemptRow, "suspended" | "lost">(context, ATTEMPTS, grant.attemptId, (row) => {
    const suspended = suspendAttempt(row, grant, input);
    return suspended === undefined
      ? { result: "lost" }
      : { write: { ...suspended, hidden: undefined }, result: "suspended" };
  });
}

/** The commit point is the attempt's item with its outbox; the event and the keys follow from there. */
async function settle(context: StoreContext, grant: Grant, input: SettleInput): Promise<"settled" | "lost"> {
  const { attemptId } = grant;
  const ended = await mutateRow<AttemptRow, AttemptRow | undefined>(context, ATTEMPTS, attemptId, (row) => {
    const move = settleAttempt(row, grant, input);
    const write = move && toMovedRow(move, input.now);
    return { write, result: write };
  });
  if (ended === undefined) return "lost";
  await attemptLater(context, `what follows from the end of ${attemptId}`, () => finishEnd(context, ended));
  return "settled";
}
