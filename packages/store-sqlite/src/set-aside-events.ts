import type { Page, PageInput, SetAsideEvent } from "@stackyard/core/engine";
import type { Database, Parameter } from "./database.ts";
import { enqueueEvent } from "./event-queue.ts";
import { parsePosition, toPage } from "./page.ts";
import type { Transaction } from "./transaction.ts";

interface SetAsideRow {
  readonly position: number;
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
  const rows = database.all<SetAsideRow>(
    `select position, body from set_aside where ${conditions.join(" and ")} order by position desc limit ?`,
    ...values,
    page.limit + 1,
  );
  return toPage(rows, page.limit, ({ position }) => String(position), toSetAside);
}

function toSetAside({ body }: SetAsideRow): SetAsideEvent {
  return JSON.parse(body) as SetAsideEvent;
}

/** Queues the events again under their ids. Gives the ids of the entries that were found. */
export function redrive(transaction: Transaction, ids: readonly string[]): readonly string[] {
  const { database } = transaction;
  return ids.filter((id) => {
    const row = database.get<SetAsideRow>("delete from set_aside where id = ? returning position, body", id);
    if (row === undefined) return false;
    enqueueEvent(transaction, toSetAside(row).event);
    transaction.count("setAsideEvents", -1);
    return true;
  });
}
