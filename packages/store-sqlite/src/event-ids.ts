import { type Change, toEventKey } from "@stackyard/core/engine";
import type { Database } from "./database.ts";

/** The keys of events of a change, applied, parked or set aside by it, that were applied before. */
export function findApplied(database: Database, change: Change): readonly string[] {
  const known: string[] = [];
  for (const id of change.appliedIds) if (isApplied(database, change.stackId, id)) known.push(id);
  for (const { event } of [...change.park, ...change.setAside]) {
    if (isApplied(database, event.stackId, toEventKey(event))) known.push(toEventKey(event));
  }
  return known;
}

function isApplied(database: Database, stackId: string, eventId: string): boolean {
  const row = database.get<{ applied_at: number | null }>(
    "select applied_at from event_id where event_id = ? and stack_id = ?",
    eventId,
    stackId,
  );
  return row !== undefined && row.applied_at !== null;
}

/** Remembers ids as applied; `count`: how many the stack had before. */
export function rememberApplied(database: Database, change: Change, count: number): void {
  for (const [index, id] of change.appliedIds.entries()) {
    database.run(
      `insert into event_id (event_id, stack_id, applied_at, number) values (?, ?, ?, ?)
       on conflict do update set applied_at = excluded.applied_at, number = excluded.number`,
      id,
      change.stackId,
      change.now,
      count + index + 1,
    );
  }
}
