import { type Attempt, type AttemptFacts, toAttemptDue } from "@stackyard/core/attempt";
import type { AttemptView } from "@stackyard/core/engine";
import type { Database } from "./database.ts";
import { type Sequence, segmentOf } from "./sequence.ts";

/** An attempt as this store keeps it. */
export interface SqliteAttempt extends Attempt, AttemptFacts {
  /** The order of dispatch. */
  readonly attemptNo: number;
  /** Its row in the task queue; undefined when its message is not queued. */
  readonly queueSeq?: number | undefined;
  /** References of the secrets in its message. */
  readonly secrets?: readonly string[] | undefined;
}

interface AttemptRow {
  readonly attempt_no: number;
  readonly attempt_id: string;
  readonly stack_id: string;
  readonly task: string;
  readonly entry: number;
  readonly attempt: number;
  readonly executor: string | null;
  readonly dispatched_at: number;
  readonly timeout_ms: number;
  readonly status: AttemptView["status"];
  readonly deadline_at: number;
  readonly token: number;
  readonly owner: string | null;
  readonly lease_until: number | null;
  readonly poll_due_at: number | null;
  readonly cancelling: "requested" | "timed-out" | null;
  readonly cancel_within_ms: number | null;
  readonly cancel_until: number | null;
  readonly cancel_told: 0 | 1;
  readonly keys: string | null;
  readonly queued_key: string | null;
  readonly left_ms: number;
  readonly queue_seq: number | null;
  readonly progress: string | null;
  readonly progress_message: string | null;
  readonly secrets: string | null;
  readonly outcome: NonNullable<AttemptView["outcome"]> | null;
  readonly settled_at: number | null;
}

const COLUMNS = `attempt_no, attempt_id, stack_id, task, entry, attempt, executor, dispatched_at, timeout_ms, status,
  deadline_at, token, owner, lease_until, poll_due_at, cancelling, cancel_within_ms, cancel_until, cancel_told, keys,
  queued_key, left_ms, queue_seq, progress, progress_message, secrets, outcome, settled_at`;

const BY_ID = `select ${COLUMNS} from attempt where attempt_no >> 15 = ? and attempt_id = ?`;

/** Looks from the newest segment to the oldest: what is wanted is nearly always recent. */
export function findAttempt(database: Database, attemptNos: Sequence, attemptId: string): SqliteAttempt | undefined {
  const newest = segmentOf(attemptNos.last);
  const recent = database.get<AttemptRow>(BY_ID, newest, attemptId);
  if (recent !== undefined) return toAttempt(recent);
  const oldest = oldestSegment(database);
  for (let segment = newest - 1; segment >= oldest; segment -= 1) {
    const row = database.get<AttemptRow>(BY_ID, segment, attemptId);
    if (row !== undefined) return toAttempt(row);
  }
  return undefined;
}

/** The attempt that is next in the queue of a key. */
export function findNextWaiter(database: Database, key: string): SqliteAttempt | undefined {
  const next = `select ${COLUMNS} from attempt where queued_key = ? order by attempt_no limit 1`;
  const row = database.get<AttemptRow>(next, key);
  return row === undefined ? undefined : toAttempt(row);
}

const MAX_SETTLED = 50;
const BY_STACK = `select ${COLUMNS} from attempt where attempt_no >> 15 = ? and stack_id = ?`;
const OPEN = `${BY_STACK} and status <> 'settled' order by attempt_no desc`;
const SETTLED = `${BY_STACK} and status = 'settled' order by attempt_no desc limit ?`;

/** Attempts of a stack, newest first: the open ones and the last settled ones. */
export function listAttempts(database: Database, attemptNos: Sequence, stackId: string): readonly SqliteAttempt[] {
  const found: AttemptRow[] = [];
  let settled = 0;
  const oldest = oldestSegment(database);
  for (let segment = segmentOf(attemptNos.last); segment >= oldest; segment -= 1) {
    const ended = database.all<AttemptRow>(SETTLED, segment, stackId, MAX_SETTLED - settled);
    settled += ended.length;
    found.push(...ended, ...database.all<AttemptRow>(OPEN, segment, stackId));
  }
  return found.sort((a, b) => b.attempt_no - a.attempt_no).map(toAttempt);
}

/** The segment of the oldest attempt that is kept. */
function oldestSegment(database: Database): number {
  const row = database.get<{ oldest: number | null }>("select min(attempt_no) as oldest from attempt");
  return row?.oldest == null ? Number.MAX_SAFE_INTEGER : segmentOf(row.oldest);
}

/** Adds a new attempt, which may begin as granted. */
export function insertAttempt(database: Database, attempt: SqliteAttempt): void {
  database.run(
    `insert into attempt (attempt_no, attempt_id, stack_id, task, entry, attempt, executor, dispatched_at, timeout_ms,
                          secrets, status, deadline_at, ends_at, token, owner, lease_until, cancel_told, left_ms,
                          queue_seq)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)`,
    attempt.attemptNo,
    attempt.attemptId,
    attempt.stackId,
    attempt.task,
    attempt.entry,
    attempt.attempt,
    attempt.executor,
    attempt.dispatchedAt,
    attempt.timeoutMs,
    toJson(attempt.secrets),
    attempt.status,
    attempt.deadlineAt,
    toAttemptDue(attempt).deadline?.at,
    attempt.token,
    attempt.owner,
    attempt.leaseUntil,
    attempt.remainingMs,
    attempt.queueSeq,
  );
}

/** Writes what a move has changed. */
export function updateAttempt(database: Database, attempt: SqliteAttempt): void {
  database.run(
    `update attempt
        set status = ?, deadline_at = ?, ends_at = ?, token = ?, owner = ?, lease_until = ?, poll_due_at = ?,
            cancelling = ?, cancel_within_ms = ?, cancel_until = ?, cancel_told = ?, keys = ?, queued_key = ?,
            left_ms = ?, queue_seq = ?, progress = ?, progress_message = ?, outcome = ?, settled_at = ?
      where attempt_no = ?`,
    attempt.status,
    attempt.deadlineAt,
    toAttemptDue(attempt).deadline?.at,
    attempt.token,
    attempt.owner,
    attempt.leaseUntil,
    attempt.pollDueAt,
    attempt.cancel?.why,
    attempt.cancel?.withinMs,
    attempt.cancelAt,
    attempt.isCancelTold ? 1 : 0,
    attempt.heldKeys.length === 0 ? null : JSON.stringify(attempt.heldKeys),
    attempt.queuedFor,
    attempt.remainingMs,
    attempt.queueSeq,
    toJson(attempt.progress),
    attempt.progressMessage,
    attempt.outcome,
    attempt.settledAt,
    attempt.attemptNo,
  );
}

function toJson(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value);
}

function parseJson<Value>(text: string | null): Value | undefined {
  return text === null ? undefined : (JSON.parse(text) as Value);
}

/** The row's values with undefined in the place of null. */
type Present<Row> = {
  readonly [Name in keyof Row]: null extends Row[Name] ? Exclude<Row[Name], null> | undefined : Row[Name];
};

function toPresent<Row extends object>(row: Row): Present<Row> {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value ?? undefined])) as Present<Row>;
}

function toAttempt(row: AttemptRow): SqliteAttempt {
  const present = toPresent(row);
  return {
    attemptNo: row.attempt_no,
    attemptId: row.attempt_id,
    stackId: row.stack_id,
    task: row.task,
    entry: row.entry,
    attempt: row.attempt,
    executor: present.executor,
    dispatchedAt: row.dispatched_at,
    timeoutMs: row.timeout_ms,
    status: row.status,
    deadlineAt: row.deadline_at,
    remainingMs: row.left_ms,
    token: row.token,
    owner: present.owner,
    leaseUntil: present.lease_until,
    pollDueAt: present.poll_due_at,
    cancel: row.cancelling === null ? undefined : { why: row.cancelling, withinMs: row.cancel_within_ms ?? 0 },
    cancelAt: present.cancel_until,
    isCancelTold: row.cancel_told === 1,
    heldKeys: parseJson<string[]>(row.keys) ?? [],
    queuedFor: present.queued_key,
    queueSeq: present.queue_seq,
    progress: parseJson<unknown>(row.progress),
    progressMessage: present.progress_message,
    secrets: parseJson<string[]>(row.secrets),
    outcome: present.outcome,
    settledAt: present.settled_at,
  };
}
