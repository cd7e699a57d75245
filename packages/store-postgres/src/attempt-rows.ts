import type { DispatchAttempt, TaskMessage } from "@stackyard/core";
import { defined } from "@stackyard/core";
import { type Change, parseStored } from "@stackyard/core/engine";
import { fromKeyText, toKeyText, toLongText, toPlace } from "./key-text.ts";

/** The constant part of a dispatched attempt, stored as one document in its history row. */
export interface SentAttempt {
  /** The full id, if the column contains a shorter replacement. */
  readonly longId?: string;
  readonly task: string;
  readonly entry: number;
  readonly attempt: number;
  readonly executor?: string;
  readonly dispatchedAt: number;
  readonly secrets?: readonly string[];
  readonly message: TaskMessage;
}

/** Reads what `toDispatchRow` has written. Throws `STORE_CORRUPT` for a row that is damaged or gone. */
export function parseSent(text: string | null): SentAttempt {
  return parseStored.json(text ?? "", "message of an attempt") as SentAttempt;
}

/** Returns the id of an attempt from its column and its document. */
export function toAttemptId(column: string, { longId }: SentAttempt): string {
  return longId ?? fromKeyText(column);
}

/** A new attempt, for `begin_attempt`. Without an owner it waits for a claim. */
export interface DispatchRow {
  readonly home: string;
  readonly id: string;
  readonly stack: string;
  readonly sent: string;
  readonly owner: string | null;
  readonly lease_until: number | null;
  readonly timeout: number;
  readonly deadline: number;
  readonly due: number;
  readonly secrets: boolean;
}

/** How far ahead of the lower bound the first search for unclaimed attempts starts. */
const FIRST_LOOK_MS = 20_000;

type BirthClaim = NonNullable<Change["claims"]>[number];

/** Makes the row of an attempt that begins. */
export function toDispatchRow(dispatch: DispatchAttempt, claim: BirthClaim | undefined, now: number): DispatchRow {
  const { attemptId, stackId, task, entry, attempt, executor, timeoutMs, claimWithinMs, secrets, message } = dispatch;
  const isLong = toLongText(attemptId) !== null;
  const windowMs = claim === undefined ? claimWithinMs : timeoutMs;
  const sent: SentAttempt = {
    ...(isLong ? { longId: attemptId } : {}),
    task,
    entry,
    attempt,
    ...defined({ executor }),
    dispatchedAt: now,
    ...defined({ secrets }),
    message,
  };
  return {
    ...toPlace(attemptId),
    stack: toKeyText(stackId),
    sent: JSON.stringify(sent),
    owner: claim === undefined ? null : toKeyText(claim.owner),
    lease_until: claim === undefined ? null : now + claim.leaseMs,
    timeout: timeoutMs,
    deadline: now + windowMs,
    due: now + Math.min(claim?.leaseMs ?? FIRST_LOOK_MS, windowMs),
    secrets: secrets !== undefined,
  };
}
