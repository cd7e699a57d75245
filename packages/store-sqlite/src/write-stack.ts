import type { Change } from "@stackyard/core/engine";
import { type StackRow, toColumns } from "./stack-row.ts";
import type { StackPlace } from "./tally.ts";
import type { Transaction } from "./transaction.ts";

/** Writes what becomes of the record, and the new count of applied ids. Gives the stack's version afterwards. */
export function writeStack(transaction: Transaction, row: StackRow | undefined, change: Change): number {
  const idCount = (row?.id_count ?? 0) + change.appliedIds.length;
  switch (change.write.kind) {
    case "keep":
      return keep(transaction, row, change, idCount);
    case "remove":
      return remove(transaction, row, idCount);
    case "put":
      return put(transaction, row, change.write.stack, idCount);
  }
}

type Written = Extract<Change["write"], { kind: "put" }>["stack"];

const UPDATE =
  "update stack set version = ?, machine = ?, state = ?, busy = ?, id_count = ?, body = ? where stack_no = ?";
// Naming an indexed column in an update rewrites its index, whether the value changes or not.
const UPDATE_ALL = UPDATE.replace("version = ?", "version = ?, trouble = ?, timer_at = ?");

function put(transaction: Transaction, row: StackRow | undefined, stack: Written, idCount: number): number {
  const { database, store } = transaction;
  const { busy, trouble, timerAt } = toColumns(stack);
  const version = (row?.version ?? 0) + 1;
  const body = JSON.stringify(stack);
  if (row === undefined) {
    database.run(
      `insert into stack (stack_id, version, trouble, timer_at, machine, state, busy, id_count, body)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[stack.id, version, trouble, timerAt, stack.machine, stack.state, busy, idCount, body],
    );
  } else {
    const isPlain = row.trouble === trouble && row.timer_at === timerAt;
    const indexed = isPlain ? [] : [trouble, timerAt];
    const values = [version, ...indexed, stack.machine, stack.state, busy, idCount, body, row.stack_no];
    database.run(isPlain ? UPDATE : UPDATE_ALL, ...values);
  }
  transaction.afterCommit(() => store.tally.move(toPlace(row), stack));
  return version;
}

/** The row stays without its record, so that the next life of the stack goes on with its versions. */
function remove(transaction: Transaction, row: StackRow | undefined, idCount: number): number {
  const { database, store } = transaction;
  if (row === undefined) return 0;
  const values = [row.version, null, null, null, null, 0, idCount, null, row.stack_no];
  database.run(UPDATE_ALL, ...values);
  transaction.afterCommit(() => store.tally.move(toPlace(row), undefined));
  return row.version;
}

function keep({ database }: Transaction, row: StackRow | undefined, change: Change, idCount: number): number {
  if (change.appliedIds.length > 0 && row === undefined) {
    database.run("insert into stack (stack_id, version, id_count) values (?, 0, ?)", change.stackId, idCount);
  } else if (change.appliedIds.length > 0 && row !== undefined) {
    database.run("update stack set id_count = ? where stack_no = ?", idCount, row.stack_no);
  }
  return row?.is_there === 1 ? row.version : 0;
}

function toPlace(row: StackRow | undefined): StackPlace | undefined {
  if (row === undefined || row.machine === null || row.state === null) return undefined;
  return { machine: row.machine, state: row.state };
}
