import { type ClaimInput, type ClaimResult, readAttemptSecrets } from "@stackyard/core/engine";
import { unclaimedMs } from "./attempt-deadline.ts";
import { type AttemptRow, findAttemptRow } from "./attempt-row.ts";
import type { Database } from "./database.ts";
import { findPlace, takeKeys } from "./exclusive-keys.ts";
import { parseStack } from "./load-stacks.ts";
import { unqueueTask } from "./task-queue.ts";
import type { Transaction } from "./transaction.ts";

/**
 * Takes the lease of an attempt; every grant has a higher token than the last. Whatever the answer, the attempt's
 * message leaves the queue.
 */
export function claim(transaction: Transaction, input: ClaimInput): ClaimResult {
  const { database, store } = transaction;
  const row = findAttemptRow(database, store.attemptNos, input.attemptId);
  if (row === undefined || row.status === "settled") return { kind: "gone" };
  if (row.queue_seq !== null) unqueueTask(transaction, row.queue_seq);
  if (isHeld(row, input.now)) {
    database.run("update attempt set queue_seq = null where attempt_no = ?", row.attempt_no);
    return { kind: "held", by: row.owner ?? "" };
  }
  const { held, waitsFor } = takeKeys(database, row, input.exclusiveKeys);
  const keys = held.length === 0 ? null : JSON.stringify(held);
  return waitsFor === undefined
    ? grant(transaction, row, input, keys)
    : queue(transaction, row, input, { keys, waitsFor });
}

function isHeld(row: AttemptRow, now: number): boolean {
  const until = row.status === "running" ? row.lease_until : row.poll_due_at;
  return until !== null && until > now;
}

/** Instants at which a granted attempt ends; a cancel that nobody was told of counts from now. */
function toEnds(
  row: AttemptRow,
  input: ClaimInput,
): { readonly deadlineAt: number; readonly cancelUntil: number | null } {
  const deadlineAt = row.token > 0 ? row.deadline_at : input.now + (input.timeoutMs ?? row.timeout_ms);
  const cancelUntil = row.cancelling === null ? null : (row.cancel_until ?? input.now + (row.cancel_within_ms ?? 0));
  return { deadlineAt, cancelUntil };
}

function grant({ database }: Transaction, row: AttemptRow, input: ClaimInput, keys: string | null): ClaimResult {
  const { deadlineAt, cancelUntil } = toEnds(row, input);
  const token = row.token + 1;
  database.run(
    `update attempt
        set status = 'running', token = ?, owner = ?, lease_until = ?, poll_due_at = null, deadline_at = ?, ends_at = ?,
            cancel_until = ?, cancel_told = ?, keys = ?, queued_key = null, queue_seq = null
      where attempt_no = ?`,
    token,
    input.owner,
    input.now + input.leaseMs,
    deadlineAt,
    cancelUntil ?? deadlineAt,
    cancelUntil,
    row.cancelling === null ? 0 : 1,
    keys,
    row.attempt_no,
  );
  return {
    kind: "granted",
    grant: { attemptId: row.attempt_id, owner: input.owner, token },
    deadlineAt,
    again: row.token > 0,
    ...(row.progress === null ? {} : { progress: JSON.parse(row.progress) as unknown }),
    ...(row.cancelling === null ? {} : { cancelling: row.cancelling }),
    ...(row.secrets === null ? {} : { secrets: readValues(database, row, row.secrets) }),
  };
}

function readValues(database: Database, { stack_id, attempt_id }: AttemptRow, refs: string) {
  const row = database.get<{ body: string }>(
    "select body from stack where stack_id = ? and body is not null",
    stack_id,
  );
  const stack = row === undefined ? undefined : parseStack(row.body);
  return readAttemptSecrets(stack, attempt_id, JSON.parse(refs) as string[]);
}

/** The clock stands while the attempt waits for a key. */
function queue(
  { database }: Transaction,
  row: AttemptRow,
  input: ClaimInput,
  { keys, waitsFor }: { readonly keys: string | null; readonly waitsFor: string },
): ClaimResult {
  database.run(
    `update attempt
        set status = 'queued', queued_key = ?, keys = ?, left_ms = ?, ends_at = ?, lease_until = null,
            poll_due_at = null, queue_seq = null
      where attempt_no = ?`,
    waitsFor,
    keys,
    row.status === "queued" ? row.left_ms : toLeft(row, input.now),
    row.cancel_until,
    row.attempt_no,
  );
  return { kind: "queued", ...findPlace(database, waitsFor, row.attempt_no) };
}

function toLeft(row: AttemptRow, now: number): number {
  return row.token === 0 ? unclaimedMs(row.timeout_ms) : row.deadline_at - now;
}
