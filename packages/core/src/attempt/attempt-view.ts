import { defined } from "../machine/json.ts";
import type { AttemptView } from "../ports/stack-store.ts";
import type { Attempt } from "./attempt.ts";

/** The facts that a view needs in addition to the attempt. */
export interface AttemptFacts {
  readonly entry: number;
  readonly attempt: number;
  readonly executor?: string | undefined;
  readonly dispatchedAt: number;
}

/** Returns the attempt for people and the state backend. */
export function toAttemptView(
  attempt: Attempt,
  { entry, attempt: number, executor, dispatchedAt }: AttemptFacts,
  queuedFor: AttemptView["queuedFor"],
): AttemptView {
  const { attemptId, stackId, task, status, deadlineAt, token, heldKeys } = attempt;
  const { owner, leaseUntil, pollDueAt, cancel, progressMessage, opensAt, heldBy, log, outcome } = attempt;
  return {
    attemptId,
    stackId,
    task,
    entry,
    attempt: number,
    status,
    dispatchedAt,
    deadlineAt,
    token,
    heldKeys,
    ...defined({
      executor,
      queuedFor,
      owner,
      leaseUntil,
      pollDueAt,
      cancelling: cancel?.why,
      progressMessage,
      opensAt,
      heldBy,
      hasLog: log === undefined ? undefined : (true as const),
      log,
      outcome,
    }),
  };
}

/** Returns the attempt as lists show it: without its log, which may be large. */
export function toListedAttempt({ log: _, ...listed }: AttemptView): AttemptView {
  return listed;
}
