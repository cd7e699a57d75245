import {
  createPageBuilder,
  type Page,
  type PageInput,
  type ParkedEvent,
  parseStored,
  type SetAsideEvent,
  toEventKey,
} from "@stackyard/core/engine";
import type { Database, Parameter } from "./database.ts";
import { forgetKey, rememberKey } from "./event-queue.ts";
import { byteLengthOf, parsePosition } from "./page.ts";
import type { StoreState } from "./store-state.ts";

/** Parks an event; one that is parked already is replaced. */
export function parkEvent({ database, parkedStacks }: StoreState, parked: ParkedEvent): void {
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
  rememberKey(database, key, stackId);
  parkedStacks.add(stackId);
}

/** Parks an event no more. Its id is forgotten, unless it was applied or is queued. */
export function unparkEvent({ database }: StoreState, stackId: string, eventId: string): void {
  if (database.run("delete from parked where stack_id = ? and event_id = ?", stackId, eventId) === 0) return;
  forgetKey(database, eventId, stackId);
}

/** The parked events of a stack, oldest first. */
export function loadParked({ database, parkedStacks }: StoreState, stackId: string): readonly ParkedEvent[] {
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

interface SetAsideRow {
  readonly position: number;
  readonly id: string;
  readonly body: string;
}

/** Keeps an event that was given up. */
export function setEventAside({ database }: StoreState, setAside: SetAsideEvent): void {
  database.run(
    "insert into set_aside (id, stack_id, code, set_aside_at, body) values (?, ?, ?, ?, ?)",
    setAside.id,
    setAside.event.stackId,
    setAside.code,
    setAside.setAsideAt,
    JSON.stringify(setAside),
  );
}

/** Newest first. */
export function listSetAside(
  database: Database,
  filter: { readonly stackId?: string; readonly code?: string },
  page: PageInput,
): Page<SetAsideEvent> {
  const conditions = ["position < ?"];
  const values: Parameter[] = [parsePosition(page.cursor) ?? Number.MAX_SAFE_INTEGER];
  if (filter.stackId !== undefined) {
    conditions.push("stack_id = ?");
    values.push(filter.stackId);
  }
  if (filter.code !== undefined) {
    conditions.push("code = ?");
    values.push(filter.code);
  }
  const rows = database.each<SetAsideRow>(
    `select position, id, body from set_aside where ${conditions.join(" and ")} order by position desc limit ?`,
    ...values,
    page.limit + 1,
  );
  const found = createPageBuilder<SetAsideEvent>(page);
  for (const row of rows) {
    const { id, position, body } = row;
    const cursor = String(position);
    if (!found.add({ id, cursor, bytes: byteLengthOf(body), read: () => toSetAside(row) })) break;
  }
  return found.end();
}

function toSetAside({ id, body }: Pick<SetAsideRow, "id" | "body">): SetAsideEvent {
  return parseStored.setAside(body, `event ${JSON.stringify(id)} that was set aside`);
}

/** Removes these entries, and returns their events with the ids of those that were found. */
export function takeSetAside(database: Database, ids: readonly string[]): readonly SetAsideEvent[] {
  return ids.flatMap((id) => {
    const remove = "delete from set_aside where id = ? returning id, body";
    const row = database.get<Pick<SetAsideRow, "id" | "body">>(remove, id);
    return row === undefined ? [] : [toSetAside(row)];
  });
}
