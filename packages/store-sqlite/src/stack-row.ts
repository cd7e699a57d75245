import type { Database } from "./database.ts";
import type { Stack } from "./port-types.ts";

/** What a commit must know of a stack; `is_there` is 0 for one that was removed. */
export interface StackRow {
  readonly stack_no: number;
  readonly version: number;
  readonly machine: string | null;
  readonly state: string | null;
  readonly trouble: number | null;
  readonly timer_at: number | null;
  readonly id_count: number;
  readonly is_there: 0 | 1;
}

/** Reads the row without the record. */
export function findStackRow(database: Database, stackId: string): StackRow | undefined {
  return database.get<StackRow>(
    `select stack_no, version, machine, state, trouble, timer_at, id_count, body is not null as is_there
       from stack where stack_id = ?`,
    stackId,
  );
}

/** Bits of the column `trouble`. */
export const TROUBLE = { failed: 1, stalled: 2, overdue: 4 } as const;

/** The columns by which stacks are found, made from the record. */
export interface StackColumns {
  readonly busy: number;
  readonly trouble: number | null;
  readonly timerAt: number | null;
}

/** Pure. */
export function toColumns(stack: Stack): StackColumns {
  const failed = stack.tasks.some(({ status }) => status === "ERROR") ? TROUBLE.failed : 0;
  const stalled = stack.stalled === undefined ? 0 : TROUBLE.stalled;
  const overdue = stack.overdue === true ? TROUBLE.overdue : 0;
  let timerAt: number | null = null;
  for (const { dueAt } of stack.timers) timerAt = timerAt === null ? dueAt : Math.min(timerAt, dueAt);
  return {
    busy: stack.awaitsRuns === true || stack.tasks.some(({ status }) => status === "PENDING") ? 1 : 0,
    trouble: failed + stalled + overdue || null,
    timerAt,
  };
}
