import type { Database } from "./database.ts";
import { DUE_SOURCES } from "./due-kinds.ts";
import type { DueKind } from "./port-types.ts";
import type { Statement } from "./statement.ts";

// Of each stack the first event alone counts: the others come behind it.
const EVENTS = `select min(greatest(q.visible_at, coalesce(l.until, 0))) as at
       from (select distinct on (stack_id) stack_id, visible_at from stackyard.event_queue order by stack_id, seq) q
       left join stackyard.event_lease l on l.stack_id = q.stack_id`;

/** The earliest instant at which something of these kinds may be due. */
export async function nextDueAt(database: Database, kinds: readonly DueKind[]): Promise<number | undefined> {
  database.assertOpen();
  if (kinds.length === 0) return undefined;
  const row = await database.row<{ at: number | null }>(toStatement([...new Set(kinds)].sort()));
  return row?.at ?? undefined;
}

function toStatement(kinds: readonly DueKind[]): Statement {
  const parts = kinds.map((kind) => (kind === "event" ? EVENTS : DUE_SOURCES[kind].next));
  const text = `select min(n.at) as at from (${parts.map((part) => `(${part})`).join(" union all ")}) n`;
  return { name: `next_${kinds.join("_")}`, text };
}
