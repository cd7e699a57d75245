import type { Stack } from "./port-types.ts";

/** Bits of the column `trouble`. */
export const TROUBLE = { failed: 1, stalled: 2, overdue: 4 } as const;

/** The columns by which stacks are found, made from the record. */
export interface StackColumns {
  readonly machine: string;
  readonly state: string;
  readonly busy: boolean;
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
    machine: stack.machine,
    state: stack.state,
    busy: stack.awaitsRuns === true || stack.tasks.some(({ status }) => status === "PENDING"),
    trouble: failed + stalled + overdue || null,
    timerAt,
  };
}
