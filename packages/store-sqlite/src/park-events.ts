import { type ParkedEvent, parseStored, toEventKey } from "@stackyard/core/engine";
import type { Database } from "./database.ts";
import { forgetEventId } from "./event-queue.ts";
import type { StoreContext } from "./store-context.ts";
import type { Transaction } from "./transaction.ts";

/** Parks an event; one that is parked already is replaced. */
export function parkEvent(transaction: Transaction, parked: ParkedEvent): void {
  const { database } = transaction;
  const { stackId } = parked.event;
  const key = toEventKey(parked.event);
  const values = [parked.parkedAt, parked.nextTryAt, JSON.stringify(parked), stackId, key];
  const isKnown =
    database.run(
      "update parked set parked_at = ?, next_try_at = ?, body = ? where stack_id = ? and event_id = ?",
      ...values,
    ) > 0;
  if (isKnown) return;
  database.run(
    "insert into parked (parked_at, next_try_at, body, stack_id, event_id) values (?, ?, ?, ?, ?)",
    ...values,
  );
  database.run("insert into event_id (event_id, stack_id) values (?, ?) on conflict do nothing", key, stackId);
  transaction.count("parkedEvents", 1);
  transaction.afterCommit(() => transaction.store.parkedStacks.add(stackId));
}

/** Parks an event no more. Its id is forgotten, unless it was applied or is queued. */
export function unparkEvent(transaction: Transaction, stackId: string, eventId: string): void {
  const { database } = transaction;
  if (database.run("delete from parked where stack_id = ? and event_id = ?", stackId, eventId) === 0) return;
  forgetEventId(database, stackId, eventId);
  transaction.count("parkedEvents", -1);
}

/** The parked events of a stack, oldest first. */
export function loadParked({ database, parkedStacks }: StoreContext, stackId: string): readonly ParkedEvent[] {
  if (!parkedStacks.has(stackId)) return [];
  const rows = database.all<{ body: string }>(
    "select body from parked where stack_id = ? order by parked_at, parked_no",
    stackId,
  );
  if (rows.length === 0) parkedStacks.delete(stackId);
  return rows.map(({ body }) => parseStored.parked(body, `parked event of the stack ${JSON.stringify(stackId)}`));
}

/** Ids of stacks with parked events, in order, whether or not the stacks exist. */
export function listParkedStackIds(
  database: Database,
  { after = "", limit }: { readonly after?: string; readonly limit: number },
): readonly string[] {
  const rows = database.all<{ stack_id: string }>(
    "select distinct stack_id from parked where stack_id > ? order by stack_id limit ?",
    after,
    limit,
  );
  return rows.map(({ stack_id }) => stack_id);
}
