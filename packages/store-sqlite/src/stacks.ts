import type { Stack, StoreStats } from "@stackyard/core";
import { type Change, parseStored, type StoredStack, toStackColumns } from "@stackyard/core/engine";
import type { Database } from "./database.ts";

/** The columns of a stack that a commit needs; `is_there` is 0 for one that was removed. */
interface StackRow {
  readonly stack_no: number;
  readonly version: number;
  readonly machine: string | null;
  readonly state: string | null;
  readonly trouble: number | null;
  readonly timer_at: number | null;
  readonly id_count: number;
  readonly is_there: 0 | 1;
}

/** Reads the record of a stack. */
export function findStack(database: Database, stackId: string): StoredStack | undefined {
  const select = "select version, body from stack where stack_id = ? and body is not null";
  const row = database.get<{ version: number; body: string }>(select, stackId);
  return row && { version: row.version, stack: parseStored.stack(row.body, stackId) };
}

/** Reads the row without the record. */
export function findStackRow(database: Database, stackId: string): StackRow | undefined {
  const select = `select stack_no, version, machine, state, trouble, timer_at, id_count, body is not null as is_there
       from stack where stack_id = ?`;
  return database.get<StackRow>(select, stackId);
}

/** The tables that a write of a stack changes: its row, and the counts of `stats`. */
interface StackTables {
  readonly database: Database;
  readonly counts: StackCounts;
}

/** Writes the change of the record, and the new count of applied ids. Returns the stack's version afterwards. */
export function writeStack(tables: StackTables, row: StackRow | undefined, change: Change): number {
  const idCount = (row?.id_count ?? 0) + change.appliedIds.length;
  switch (change.write.kind) {
    case "keep":
      if (change.appliedIds.length > 0) keep(tables, row, change, idCount);
      return row?.is_there === 1 ? row.version : 0;
    case "remove":
      return remove(tables, row, change, idCount);
    case "put":
      return put(tables, row, change.write.stack, idCount);
  }
}

const UPDATE = `
update stack set version = ?, machine = ?, state = ?, busy = ?, revision = ?, created_at = ?, updated_at = ?,
       entered_at = ?, id_count = ?, body = ? where stack_no = ?`;
// Naming an indexed column in an update rewrites its index, whether the value changes or not.
const UPDATE_ALL = UPDATE.replace("version = ?", "version = ?, trouble = ?, timer_at = ?");

function put({ database, counts }: StackTables, row: StackRow | undefined, stack: Stack, idCount: number): number {
  const { busy: isBusy, trouble, timerAt } = toStackColumns(stack);
  const busy = isBusy ? 1 : 0;
  const { machine, state, id, machineHash, createdAt, updatedAt, enteredAt } = stack;
  const columns = [machine, state, busy, machineHash, createdAt, updatedAt, enteredAt];
  const version = (row?.version ?? 0) + 1;
  const body = JSON.stringify(stack);
  counts.move(row, stack);
  if (row === undefined) {
    const insert = `insert into stack (stack_id, version, trouble, timer_at, machine, state, busy, revision, created_at, updated_at,
                          entered_at, id_count, body)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
    database.run(insert, id, version, trouble, timerAt, ...columns, idCount, body);
  } else if (row.trouble === trouble && row.timer_at === timerAt) {
    database.run(UPDATE, version, ...columns, idCount, body, row.stack_no);
  } else {
    database.run(UPDATE_ALL, version, trouble, timerAt, ...columns, idCount, body, row.stack_no);
  }
  return version;
}

/**
 * Deletes the record but keeps the row, so that the next incarnation of the stack continues its versions. `prune`
 * deletes the row when it has been without a record for long enough: since `updated_at`.
 */
function remove(
  { database, counts }: StackTables,
  row: StackRow | undefined,
  { now }: Pick<Change, "now">,
  idCount: number,
): number {
  if (row === undefined) return 0;
  counts.move(row, undefined);
  const columns = [null, null, 0, null, null, now, null];
  database.run(UPDATE_ALL, row.version, null, null, ...columns, idCount, null, row.stack_no);
  return row.version;
}

function keep(
  { database }: StackTables,
  row: StackRow | undefined,
  { stackId, now }: Pick<Change, "stackId" | "now">,
  idCount: number,
): void {
  if (row === undefined) {
    const insert = "insert into stack (stack_id, version, id_count, updated_at) values (?, 0, ?, ?)";
    database.run(insert, stackId, idCount, now);
  } else if (row.is_there === 1)
    database.run("update stack set id_count = ? where stack_no = ?", idCount, row.stack_no);
  else database.run("update stack set id_count = ?, updated_at = ? where stack_no = ?", idCount, now, row.stack_no);
}

/** Returns the number of a stack's row. Adds a row without a record if it is missing. */
export function requireStackNo(database: Database, stackId: string): number {
  const find = "select stack_no from stack where stack_id = ?";
  const known = database.get<{ stack_no: number }>(find, stackId);
  if (known !== undefined) return known.stack_no;
  database.run("insert into stack (stack_id, version, id_count) values (?, 0, 0)", stackId);
  return requireStackNo(database, stackId);
}

/** The counts of stacks by state: made by counting at the first question, and kept by the writes from then on. */
export class StackCounts {
  readonly #database: Database;
  #states: Map<string, { readonly machine: string; readonly state: string; count: number }> | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  move(from: Pick<StackRow, "machine" | "state"> | undefined, to: Pick<Stack, "machine" | "state"> | undefined): void {
    if (from !== undefined && from.machine !== null && from.state !== null) this.#add(from.machine, from.state, -1);
    if (to !== undefined) this.#add(to.machine, to.state, 1);
  }

  /** Drops the counts; the next query counts again. */
  forget(): void {
    this.#states = undefined;
  }

  read(): Pick<StoreStats, "stacks" | "states"> {
    if (this.#states === undefined) this.#load();
    const counted = this.#states?.values() ?? [];
    const states = [...counted].sort((a, b) => compare(a.machine, b.machine) || compare(a.state, b.state));
    const stacks = states.reduce((sum, { count }) => sum + count, 0);
    return { stacks, states: states.map((each) => ({ ...each })) };
  }

  #load(): void {
    this.#states = new Map();
    const rows = this.#database.each<{ machine: string; state: string; count: number }>(
      "select machine, state, count(*) as count from stack where body is not null group by machine, state",
    );
    for (const { machine, state, count } of rows) this.#add(machine, state, count);
  }

  #add(machine: string, state: string, delta: number): void {
    const key = JSON.stringify([machine, state]);
    const count = (this.#states?.get(key)?.count ?? 0) + delta;
    if (count === 0) this.#states?.delete(key);
    else this.#states?.set(key, { machine, state, count });
  }
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
