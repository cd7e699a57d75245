import type { Dispatch } from "../machine/decide/decision.ts";
import { readAttemptSecrets } from "../machine/decide/runs.ts";
import { defined } from "../machine/json.ts";
import type { MetadataValue } from "../machine/stack.ts";
import type { TaskMessage } from "../machine/task-message.ts";
import type { AppliedResult, BirthClaim, Change, CommitResult, Grant, QueuedEvent } from "../ports/stack-store.ts";

/** Claims attempts for this process when they begin. */
export interface Births {
  /**
   * Returns a claim and reserves a slot for an attempt that this process can run at once; undefined: its message is
   * queued.
   */
  reserve(dispatch: Dispatch): BirthClaim | undefined;
  /** Runs an attempt that was granted. */
  run(born: BornAttempt): void;
  /** Releases the slots that were kept for attempts of these stacks: their inputs are decided. */
  endKeeping(stackIds: readonly string[]): void;
  /** Releases the slot of a claim that was not granted. */
  giveBack(): void;
}

/** An attempt that began as granted to this process. */
export interface BornAttempt {
  readonly message: TaskMessage;
  readonly grant: Grant;
  /** When its lease began, in epoch milliseconds. */
  readonly claimedAt: number;
  readonly deadlineAt: number;
  /** As a claim returns them. */
  readonly secrets?: Readonly<Record<string, MetadataValue>>;
}

/** An attempt whose executor has ended. */
export interface FinishedAttempt {
  readonly stackId: string;
  readonly event: QueuedEvent;
  readonly result: AppliedResult;
}

/** Returns the change with claims of the attempts that this process can run at once. */
export function withClaims(births: Births, change: Change): Change {
  const claims = reserveClaims(births, change);
  return claims.length === 0 ? change : { ...change, claims };
}

function reserveClaims(births: Births, { dispatches, cancels, endedAttempts }: Change): readonly BirthClaim[] {
  if (dispatches.length === 0) return [];
  return dispatches.flatMap((dispatch) => {
    const isEnded =
      endedAttempts.includes(dispatch.attemptId) || cancels.some((each) => each.attemptId === dispatch.attemptId);
    return dispatch.again || isEnded ? [] : (births.reserve(dispatch) ?? []);
  });
}

/** Returns the attempts that a commit has granted to this process. */
export function listBorn({ dispatches, write, now }: Change, result: CommitResult | undefined): readonly BornAttempt[] {
  if (result?.kind !== "committed") return [];
  const stack = write.kind === "put" ? write.stack : undefined;
  return (result.grants ?? []).flatMap((grant) => {
    const dispatch = dispatches.find(({ attemptId }) => attemptId === grant.attemptId);
    if (dispatch === undefined) return [];
    const { message, timeoutMs, secrets: refs, attemptId } = dispatch;
    const secrets = refs && readAttemptSecrets(stack, attemptId, refs);
    return [defined({ message, grant, claimedAt: now, deadlineAt: now + timeoutMs, secrets })];
  });
}
