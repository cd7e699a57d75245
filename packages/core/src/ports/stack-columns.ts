import { isDegraded } from "../machine/decide/last-failure.ts";
import type { Stack } from "../machine/stack.ts";
import type { StackCondition } from "./store.ts";

/** Bits of the column `trouble`. */
export const TROUBLE = { failed: 1, stalled: 2, overdue: 4, approval: 8, degraded: 16 } as const;

/** The columns by which a store finds stacks, derived from the record. */
export interface StackColumns {
  /** A task is pending, or the stack waits for its runs. */
  readonly busy: boolean;
  /** The sum of `TROUBLE`; null without any, which keeps an index on the column small. */
  readonly trouble: number | null;
  /** When the first timer is due. */
  readonly timerAt: number | null;
}

/** Derives the columns from a record. */
export function toStackColumns(stack: Stack): StackColumns {
  const { tasks, stalled, overdue, approvals, awaitsRuns, timers } = stack;
  const failedBit = tasks.some(({ status }) => status === "ERROR") ? TROUBLE.failed : 0;
  const stalledBit = stalled === undefined ? 0 : TROUBLE.stalled;
  const overdueBit = overdue === true ? TROUBLE.overdue : 0;
  const approvalBit = approvals === undefined ? 0 : TROUBLE.approval;
  const degradedBit = isDegraded(stack) ? TROUBLE.degraded : 0;
  let timerAt: number | null = null;
  for (const { dueAt } of timers) timerAt = timerAt === null ? dueAt : Math.min(timerAt, dueAt);
  return {
    busy: awaitsRuns === true || tasks.some(({ status }) => status === "PENDING"),
    trouble: failedBit + stalledBit + overdueBit + approvalBit + degradedBit || null,
    timerAt,
  };
}

/** Evaluates the condition of a filter for stores that have no columns for it. `parked`: the stack's parked events. */
export function matchesCondition(condition: StackCondition, stack: Stack, parked: number): boolean {
  const { busy, trouble } = toStackColumns(stack);
  if (condition === "busy") return busy;
  if (condition === "waiting") return busy || trouble !== null || parked > 0;
  return ((trouble ?? 0) & TROUBLE[condition]) !== 0;
}
