import type { AttemptView } from "@stackyard/core/engine";
import { ATTEMPT_COLUMNS, type AttemptRow, findAttemptRow, oldestSegment, toKeys } from "./attempt-row.ts";
import type { Database } from "./database.ts";
import { findPlace } from "./exclusive-keys.ts";
import { type Sequence, segmentOf } from "./sequence.ts";

/** What only the view shows. */
interface ShownRow {
  readonly progress_message: string | null;
  readonly outcome: AttemptView["outcome"] | null;
  readonly log: string | null;
}

/** An attempt as people see it. */
export function findAttempt(database: Database, attemptNos: Sequence, attemptId: string): AttemptView | undefined {
  const row = findAttemptRow(database, attemptNos, attemptId);
  return row === undefined ? undefined : toView(database, row);
}

const MAX_SETTLED = 50;
const BY_STACK = `select ${ATTEMPT_COLUMNS} from attempt where attempt_no >> 15 = ? and stack_id = ?`;
const OPEN = `${BY_STACK} and status <> 'settled' order by attempt_no desc`;
const SETTLED = `${BY_STACK} and status = 'settled' order by attempt_no desc limit ?`;

/** Attempts of a stack, newest first: the open ones and the last settled ones. */
export function listAttempts(database: Database, attemptNos: Sequence, stackId: string): readonly AttemptView[] {
  const found: AttemptRow[] = [];
  let settled = 0;
  const oldest = oldestSegment(database);
  for (let segment = segmentOf(attemptNos.last); segment >= oldest; segment -= 1) {
    const ended = database.all<AttemptRow>(SETTLED, segment, stackId, MAX_SETTLED - settled);
    settled += ended.length;
    found.push(...ended, ...database.all<AttemptRow>(OPEN, segment, stackId));
  }
  return found.sort((a, b) => b.attempt_no - a.attempt_no).map((row) => toView(database, row));
}

function toView(database: Database, row: AttemptRow): AttemptView {
  return {
    attemptId: row.attempt_id,
    stackId: row.stack_id,
    task: row.task,
    entry: row.entry,
    attempt: row.attempt,
    status: row.status,
    dispatchedAt: row.dispatched_at,
    deadlineAt: row.deadline_at,
    token: row.token,
    heldKeys: toKeys(row),
    ...toOptional(row),
    ...(row.queued_key === null ? {} : { queuedFor: findPlace(database, row.queued_key, row.attempt_no) }),
    ...readShown(database, row.attempt_no),
  };
}

function toOptional(row: AttemptRow): Partial<AttemptView> {
  return {
    ...(row.executor === null ? {} : { executor: row.executor }),
    ...(row.owner === null ? {} : { owner: row.owner }),
    ...(row.lease_until === null ? {} : { leaseUntil: row.lease_until }),
    ...(row.poll_due_at === null ? {} : { pollDueAt: row.poll_due_at }),
    ...(row.cancelling === null ? {} : { cancelling: row.cancelling }),
  };
}

function readShown(database: Database, attemptNo: number): Partial<AttemptView> {
  const row = database.get<ShownRow>(
    `select progress_message, outcome, log from attempt left join attempt_log using (attempt_no) where attempt_no = ?`,
    attemptNo,
  );
  return {
    ...(row?.progress_message == null ? {} : { progressMessage: row.progress_message }),
    ...(row?.outcome == null ? {} : { outcome: row.outcome }),
    ...(row?.log == null ? {} : { log: row.log }),
  };
}
