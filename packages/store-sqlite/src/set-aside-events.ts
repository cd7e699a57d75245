import { createPageBuilder, type Page, type PageInput, parseStored, type SetAsideEvent } from "@stackyard/core/engine";
import type { Database, Parameter } from "./database.ts";
import { enqueueEvent } from "./event-queue.ts";
import { byteLengthOf, parsePosition } from "./page.ts";
import type { Transaction } from "./transaction.ts";

interface SetAsideRow {
  readonly position: number;
  readonly id: string;
  readonly body: string;
}

/** Keeps an event that was given up. */
export function setEventAside(transaction: Transaction, setAside: SetAsideEvent): void {
  transaction.database.run(
    "insert into set_aside (id, stack_id, code, set_aside_at, body) values (?, ?, ?, ?, ?)",
    setAside.id,
    setAside.event.stackId,
    setAside.code,
    setAside.setAsideAt,
    JSON.stringify(setAside),
  );
  transaction.count("setAsideEvents", 1);
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

/** Queues the events again under their ids. Gives the ids of the entries that were found. */
export function redrive(transaction: Transaction, ids: readonly string[]): readonly string[] {
  const { database } = transaction;
  return ids.filter((id) => {
    const row = database.get<Pick<SetAsideRow, "id" | "body">>(
      "delete from set_aside where id = ? returning id, body",
      id,
    );
    if (row === undefined) return false;
    enqueueEvent(transaction, toSetAside(row).event);
    transaction.count("setAsideEvents", -1);
    return true;
  });
}
