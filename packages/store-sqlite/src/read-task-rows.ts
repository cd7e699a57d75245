import type { Database } from "./database.ts";
import type { WindowRow } from "./window-row.ts";

interface TaskRow {
  readonly seq: number;
  readonly attempt_no: number;
  readonly visible_at: number;
  readonly deliveries: number;
  readonly queued_at: number;
  readonly message: string | null;
}

/** The rows after that one, as the window in memory needs them. */
export function readTaskRows(database: Database, afterSeq: number, limit: number): readonly WindowRow[] {
  return database
    .all<TaskRow>(
      `select seq, attempt_no, visible_at, deliveries, queued_at, message
         from task_queue left join attempt_message using (attempt_no) where seq > ? order by seq limit ?`,
      afterSeq,
      limit,
    )
    .map((row) => ({
      seq: row.seq,
      lane: row.seq,
      subject: row.attempt_no,
      queuedAt: row.queued_at,
      availableAt: row.visible_at,
      deliveries: row.deliveries,
      document: row.message ?? undefined,
    }));
}
