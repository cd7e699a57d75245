import type { DueItem } from "@stackyard/core/engine";
import type { Database } from "./database.ts";
import type { DueKind } from "./port-types.ts";
import { readMessage } from "./task-queue.ts";

/** Kinds of due work that stand in no queue: an index finds them. */
export type TimedKind = Exclude<DueKind, "event" | "task">;

/** Something that time makes due. */
export interface DueRow {
  /** Names this work at this instant: a lease on it means nothing for a later one. */
  readonly key: string;
  readonly dueAt: number;
  readonly toItem: (database: Database) => DueItem | undefined;
}

/** What is due at or before an instant, oldest first. */
export type ReadDue = (database: Database, until: number, limit: number) => readonly DueRow[];

/** Where due work of each kind is found. */
export const DUE_WORK: Readonly<Record<TimedKind, ReadDue>> = {
  timer: readTimers,
  parked: readParked,
  deadline: readDeadlines,
  poll: readPolls,
  lapsedLease: readLapsedLeases,
};

interface DueStackRow {
  readonly stack_id: string;
  readonly due_at: number;
}

function readTimers(database: Database, until: number, limit: number): readonly DueRow[] {
  return database
    .all<DueStackRow & { version: number }>(
      "select stack_id, version, timer_at as due_at from stack where timer_at <= ? order by timer_at limit ?",
      until,
      limit,
    )
    .map(({ stack_id: stackId, version, due_at: dueAt }) => ({
      // A later record may have another timer of the same instant.
      key: `timer:${dueAt}:${version}:${stackId}`,
      dueAt,
      toItem: () => ({ kind: "timer", stackId, dueAt }),
    }));
}

function readParked(database: Database, until: number, limit: number): readonly DueRow[] {
  return database
    .all<DueStackRow>(
      "select stack_id, next_try_at as due_at from parked where next_try_at <= ? order by next_try_at limit ?",
      until,
      limit,
    )
    .filter(isFirstOfStack())
    .map(({ stack_id: stackId, due_at: dueAt }) => ({
      key: `parked:${dueAt}:${stackId}`,
      dueAt,
      toItem: () => ({ kind: "parked", stackId, dueAt }),
    }));
}

function isFirstOfStack(): (row: DueStackRow) => boolean {
  const seen = new Set<string>();
  return ({ stack_id }) => !seen.has(stack_id) && seen.add(stack_id) !== undefined;
}

interface DueAttemptRow {
  readonly attempt_no: number;
  readonly attempt_id: string;
  readonly due_at: number;
  readonly token: number;
}

function readDeadlines(database: Database, until: number, limit: number): readonly DueRow[] {
  return database
    .all<DueAttemptRow & { stack_id: string; task: string; cancel_until: number | null }>(
      `select attempt_no, attempt_id, stack_id, task, ends_at as due_at, token, cancel_until
         from attempt where ends_at <= ? order by ends_at limit ?`,
      until,
      limit,
    )
    .map(({ attempt_no, due_at: dueAt, stack_id: stackId, attempt_id: attemptId, task, cancel_until }) => ({
      key: `deadline:${dueAt}:${attempt_no}`,
      dueAt,
      toItem: () => ({
        kind: "deadline",
        stackId,
        attemptId,
        task,
        why: cancel_until === null ? "deadline" : "cancel",
        dueAt,
      }),
    }));
}

function readPolls(database: Database, until: number, limit: number): readonly DueRow[] {
  return database
    .all<DueAttemptRow>(
      `select attempt_no, attempt_id, poll_due_at as due_at, token
         from attempt where poll_due_at <= ? order by poll_due_at limit ?`,
      until,
      limit,
    )
    .map((row) => toSentAgain("poll", row));
}

function readLapsedLeases(database: Database, until: number, limit: number): readonly DueRow[] {
  return database
    .all<DueAttemptRow>(
      `select attempt_no, attempt_id, lease_until as due_at, token
         from attempt where lease_until <= ? order by lease_until limit ?`,
      until,
      limit,
    )
    .map((row) => toSentAgain("lapsedLease", row));
}

function toSentAgain(kind: "poll" | "lapsedLease", row: DueAttemptRow): DueRow {
  const { attempt_no: attemptNo, attempt_id: attemptId, due_at: dueAt, token } = row;
  const receipt = `${kind}:${dueAt}:${token}:${attemptNo}`;
  return {
    key: receipt,
    dueAt,
    toItem: (database) => {
      const message = readMessage(database, attemptNo);
      return message === undefined ? undefined : { kind, receipt, attemptId, message, dueAt };
    },
  };
}
