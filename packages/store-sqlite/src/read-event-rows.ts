import type { Database } from "./database.ts";
import type { WindowRow } from "./window-row.ts";

interface EventRow {
  readonly seq: number;
  readonly stack_id: string;
  readonly event_id: string;
  readonly visible_at: number;
  readonly deliveries: number;
  readonly queued_at: number;
  readonly event: string;
}

/** The rows after that one, as the window in memory needs them. */
export function readEventRows(database: Database, afterSeq: number, limit: number): readonly WindowRow[] {
  return database
    .all<EventRow>(
      "select seq, stack_id, event_id, visible_at, deliveries, queued_at, event from event_queue where seq > ? order by seq limit ?",
      afterSeq,
      limit,
    )
    .map((row) => ({
      seq: row.seq,
      lane: row.stack_id,
      subject: row.event_id,
      queuedAt: row.queued_at,
      availableAt: row.visible_at,
      deliveries: row.deliveries,
      document: row.event,
    }));
}
