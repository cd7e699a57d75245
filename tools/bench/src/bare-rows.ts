import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { withFolder } from "./bench-store.ts";

/** Transactions a second with nothing but the rows of a transition. */
export interface BareRowsResult {
  readonly batch: number;
  readonly perSecond: number;
}

const SCHEMA = `
create table stack (id text primary key, version integer, body text) without rowid;
create table event (id text primary key) without rowid;
create table history (position integer primary key, stack_id text, body text);
create table run (id text primary key, body text) without rowid;
`;
const BODY = JSON.stringify({ text: "x".repeat(600) });
const STACKS = 1_000;

/** What the same machine and disk do with the rows alone: read the stack, add event id, history and run, write the stack. */
export function measureBareRows(input: {
  readonly batch: number;
  readonly transitions: number;
}): Promise<BareRowsResult> {
  return withFolder((folder) => {
    const database = new DatabaseSync(join(folder, "bare.db"));
    database.exec("pragma journal_mode = wal; pragma synchronous = full;");
    database.exec(SCHEMA);
    const startedAt = performance.now();
    writeAll(database, input);
    const ms = performance.now() - startedAt;
    database.close();
    return Promise.resolve({ batch: input.batch, perSecond: Math.round((input.transitions / ms) * 1_000) });
  });
}

function writeAll(database: DatabaseSync, { batch, transitions }: { batch: number; transitions: number }): void {
  const read = database.prepare("select version, body from stack where id = ?");
  const addEvent = database.prepare("insert into event values (?)");
  const addHistory = database.prepare("insert into history (stack_id, body) values (?, ?)");
  const addRun = database.prepare("insert into run values (?, ?)");
  const write = database.prepare("insert or replace into stack values (?, ?, ?)");
  for (let first = 0; first < transitions; first += batch) {
    database.exec("begin immediate");
    for (let index = first; index < Math.min(first + batch, transitions); index += 1) {
      const id = `stack-${index % STACKS}`;
      const version = Number(read.get(id)?.["version"] ?? 0);
      addEvent.run(`event-${index}`);
      addHistory.run(id, BODY);
      addRun.run(`${id}/${index}`, BODY);
      write.run(id, version + 1, BODY);
    }
    database.exec("commit");
  }
}
