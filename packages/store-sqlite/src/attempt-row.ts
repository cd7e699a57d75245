import type { AttemptView } from "@stackyard/core/engine";
import type { Database } from "./database.ts";
import { type Sequence, segmentOf } from "./sequence.ts";

/** A row of the table `attempt`, without what only its view shows. */
export interface AttemptRow {
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
  /** 1 once an owner was granted the attempt and told of the cancel. */
  readonly cancel_told: 0 | 1;
  /** JSON list of the exclusive keys that it holds. */
  readonly keys: string | null;
  readonly queued_key: string | null;
  /** From the end of the queue to the deadline. */
  readonly left_ms: number | null;
  /** Its row in the task queue. */
  readonly queue_seq: number | null;
  readonly progress: string | null;
  /** JSON list of the references of its secrets. */
  readonly secrets: string | null;
}

/** The columns of `AttemptRow`, for statements. */
export const ATTEMPT_COLUMNS = `attempt_no, attempt_id, stack_id, task, entry, attempt, executor, dispatched_at,
  timeout_ms, status, deadline_at, token, owner, lease_until, poll_due_at, cancelling, cancel_within_ms, cancel_until,
  cancel_told, keys, queued_key, left_ms, queue_seq, progress, secrets`;

const BY_ID = `select ${ATTEMPT_COLUMNS} from attempt where attempt_no >> 15 = ? and attempt_id = ?`;

/** Looks from the newest segment to the oldest: what is asked for is nearly always recent. */
export function findAttemptRow(database: Database, attemptNos: Sequence, attemptId: string): AttemptRow | undefined {
  const newest = segmentOf(attemptNos.last);
  const recent = database.get<AttemptRow>(BY_ID, newest, attemptId);
  if (recent !== undefined) return recent;
  const oldest = oldestSegment(database);
  for (let segment = newest - 1; segment >= oldest; segment -= 1) {
    const row = database.get<AttemptRow>(BY_ID, segment, attemptId);
    if (row !== undefined) return row;
  }
  return undefined;
}

/** The segment of the oldest attempt that is kept. */
export function oldestSegment(database: Database): number {
  const row = database.get<{ oldest: number | null }>("select min(attempt_no) as oldest from attempt");
  return row?.oldest == null ? Number.MAX_SAFE_INTEGER : segmentOf(row.oldest);
}

/** The keys that an attempt holds. */
export function toKeys(row: AttemptRow): readonly string[] {
  return row.keys === null ? [] : (JSON.parse(row.keys) as string[]);
}
