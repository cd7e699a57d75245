import type { AttemptView, Grant } from "@stackyard/core/engine";
import { attemptLater } from "./attempt-later.ts";
import { end, isHeldBy, renew, suspend, toSettleEvents } from "./attempt-moves.ts";
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
    if (!isHeldBy(row, grant)) return { result: { kind: "lost" } };
    const cancelling = row.cancel === undefined ? {} : { cancelling: row.cancel.why };
    return { write: renew(row, input), result: { kind: "renewed", ...cancelling } };
  });
}

async function suspendNow(context: StoreContext, grant: Grant, input: SuspendInput): Promise<"suspended" | "lost"> {
  return mutateRow<AttemptRow, "suspended" | "lost">(context, ATTEMPTS, grant.attemptId, (row) => {
    return isHeldBy(row, grant) ? { write: suspend(row, input), result: "suspended" } : { result: "lost" };
  });
}

/** The commit point is the attempt's item with its outbox; the event and the keys follow from there. */
async function settle(context: StoreContext, grant: Grant, input: SettleInput): Promise<"settled" | "lost"> {
  const { attemptId } = grant;
  const ended = await mutateRow<AttemptRow, AttemptRow | undefined>(context, ATTEMPTS, attemptId, (row) => {
    if (!isHeldBy(row, grant)) return { result: undefined };
    const { outcome, now, log } = input;
    const write = end(row, outcome, { now, log, events: toSettleEvents(input) });
    return { write, result: write };
  });
  if (ended === undefined) return "lost";
  await attemptLater(context, `what follows from the end of ${attemptId}`, () => finishEnd(context, ended));
  return "settled";
}
