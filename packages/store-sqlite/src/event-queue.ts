import { type QueuedEvent, toEventKey } from "@stackyard/core/engine";
import type { Database } from "./database.ts";
import type { DueItemOf } from "./port-types.ts";
import type { Transaction } from "./transaction.ts";
import type { WindowRow } from "./window-row.ts";

/** Adds an event unless its key is queued, parked or applied. True when it was added. */
export function enqueueEvent(transaction: Transaction, event: QueuedEvent, visibleAt = 0): boolean {
  const { database, store } = transaction;
  const { stackId } = event;
  const key = toEventKey(event);
  if (
    database.run("insert into event_id (event_id, stack_id) values (?, ?) on conflict do nothing", key, stackId) === 0
  ) {
    return false;
  }
  database.run(
    "insert into event_queue (seq, stack_id, event_id, visible_at, deliveries, queued_at, event) values (?, ?, ?, ?, 0, ?, ?)",
    store.eventSeq.next(),
    stackId,
    key,
    visibleAt,
    event.receivedAt,
    JSON.stringify(event),
  );
  transaction.count("queuedEvents", 1);
  transaction.signal("event");
  return true;
}

/** Whether events of a stack are queued, apart from these, whenever they are due. */
export function hasOtherEvents(database: Database, stackId: string, except: ReadonlySet<number | undefined>): boolean {
  const rows = database.each<{ seq: number }>("select seq from event_queue where stack_id = ?", stackId);
  for (const { seq } of rows) if (!except.has(seq)) return true;
  return false;
}

/** What a row of the window hands out. */
export function readEventItem(database: Database, row: WindowRow): DueItemOf<"event"> | undefined {
  const { seq, deliveries, document = readDocument(database, seq) } = row;
  if (document === undefined) return undefined;
  return { kind: "event", receipt: `event:${seq}`, event: JSON.parse(document) as QueuedEvent, deliveries };
}

function readDocument(database: Database, seq: number): string | undefined {
  return database.get<{ event: string }>("select event from event_queue where seq = ?", seq)?.event;
}

/**
 * Removes an event that was handled. Its id is forgotten, so that it may come again, unless it was applied or parked;
 * `remembered` tells the ids of which the caller sees to that in the same transaction.
 */
export function removeEvent(transaction: Transaction, seq: number, remembered?: ReadonlySet<string>): void {
  const { database, store } = transaction;
  const row = store.events.find(seq);
  if (row === undefined || database.run("delete from event_queue where seq = ?", seq) === 0) return;
  const eventId = String(row.subject);
  if (remembered?.has(eventId) !== true) forgetEventId(database, String(row.lane), eventId);
  transaction.count("queuedEvents", -1);
  transaction.afterCommit(() => store.events.remove(seq));
}

/** Forgets an id that is not in use. */
export function forgetEventId(database: Database, stackId: string, eventId: string): void {
  database.run(
    `delete from event_id
      where event_id = ? and stack_id = ? and applied_at is null
        and not exists (select 1 from parked where parked.stack_id = event_id.stack_id
                                               and parked.event_id = event_id.event_id)`,
    eventId,
    stackId,
  );
}

/** Ends the lease of an event; the row remembers the instant and the count over a restart. */
export function giveEventBack(transaction: Transaction, seq: number, visibleAt: number): void {
  const { database, store } = transaction;
  const row = store.events.find(seq);
  if (row === undefined) return;
  database.run("update event_queue set visible_at = ?, deliveries = ? where seq = ?", visibleAt, row.deliveries, seq);
  transaction.afterCommit(() => store.events.giveBack(seq, visibleAt));
  transaction.signal("event");
}
