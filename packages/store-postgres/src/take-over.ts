import type { Logger } from "@stackyard/core";
import { toStackColumns } from "@stackyard/core/engine";
import { fromKeyText, toKeyText } from "./column-values.ts";
import type { Database } from "./database.ts";
import type { UnreadableStack } from "./store-options.ts";
import { readStackRow, STACK_COLUMNS, type StackRow } from "./stored-rows.ts";

const BATCH = 500;

const NEXT = {
  name: "next_foreign_stacks",
  text: `
select ${STACK_COLUMNS}
  from stackyard.stacks s where s.machine is null and s.unreadable is null order by s.id limit ${BATCH}`,
};

const NOTE = {
  name: "note_foreign_stacks",
  text: `
update stackyard.stacks s
   set machine = g.machine, state = g.state, busy = coalesce(g.busy, false), trouble = g.trouble,
       unreadable = g.unreadable
  from json_to_recordset($1)
    as g(id text, version bigint, machine text, state text, busy boolean, trouble smallint, unreadable text)
 where s.id = g.id and s.version = g.version and s.machine is null`,
};

/**
 * Looks at rows that the predecessor has written since the last look: fills the columns by which stacks are found, and
 * notes which rows cannot be read. Does nothing in a store that has taken no table over.
 */
export async function lookAtForeignRows(database: Database, logger: Logger): Promise<void> {
  if (!database.isTakenOver) return;
  for (;;) {
    const rows = await database.rows<StackRow>(NEXT);
    const notes = rows.map((row) => toNote(row));
    if (notes.length > 0) await database.rows(NOTE, JSON.stringify(notes));
    for (const { id, unreadable } of notes) {
      if (unreadable !== null) logger.warn("A row of stacks cannot be read.", { stackId: id, reason: unreadable });
    }
    if (rows.length < BATCH) return;
  }
}

function toNote(row: StackRow) {
  const { id, version } = row;
  const read = readStackRow({ ...row, id: fromKeyText(id) });
  if (read.kind === "unreadable") {
    return { id, version, machine: null, state: null, busy: false, trouble: null, unreadable: read.reason };
  }
  const { machine, state } = read.stack;
  const { busy, trouble } = toStackColumns(read.stack);
  return { id, version, machine: toKeyText(machine), state: toKeyText(state), busy, trouble, unreadable: null };
}

const UNREADABLE = {
  name: "list_unreadable",
  text: "select s.id, s.unreadable from stackyard.stacks s where s.unreadable is not null order by s.id limit 1000",
};

/** Lists the first 1,000 rows without a valid stack. */
export async function listUnreadable(database: Database, logger: Logger): Promise<readonly UnreadableStack[]> {
  await lookAtForeignRows(database, logger);
  const rows = await database.rows<{ id: string; unreadable: string }>(UNREADABLE);
  return rows.map(({ id, unreadable: reason }) => ({ stackId: fromKeyText(id), reason }));
}
