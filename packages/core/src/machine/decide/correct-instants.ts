import type { Approval, Stack, StackTimer } from "../stack.ts";
import { armCron } from "./timers.ts";

/** The difference of two processes' clocks that leases allow. */
export const CLOCKS_DIFFER_MS = 5 * 60_000;

/** Returns true for an instant at which something has happened, if only a clock that was ahead can have noted it. */
export function isAhead(at: number, now: number): boolean {
  return at > now + CLOCKS_DIFFER_MS;
}

/**
 * Returns a stack as if what it has noted by a clock that was ahead had happened now; undefined when no instant is
 * wrong. `in`, `timeout`, approvals and retries wait again from now on, and a schedule is armed for its next
 * occurrence: otherwise they would be silent for as long as the clock was ahead. An instant of `at` is not the clock's.
 */
export function correctInstants(stack: Stack, now: number): Stack | undefined {
  if (!isAhead(stack.updatedAt, now)) return undefined;
  const { approvals, automaticEntries, enteredAt, timers } = stack;
  return {
    ...stack,
    enteredAt: isAhead(enteredAt, now) ? now : enteredAt,
    updatedAt: now,
    automaticEntries: automaticEntries.filter((at) => !isAhead(at, now)),
    timers: timers.flatMap((timer) => correctTimer(stack, timer, now)),
    ...(approvals && { approvals: correctApprovals(approvals, now) }),
  };
}

function correctTimer(stack: Stack, timer: StackTimer, now: number): readonly StackTimer[] {
  const { repeats, instant, dueAt, refused } = timer;
  if (refused !== undefined) return [timer];
  if (repeats !== undefined) {
    const [next] = armCron({ ...timer, repeats }, now);
    // A schedule that was armed by the right clock is not due later than its next occurrence.
    return [next !== undefined && dueAt > next.dueAt ? next : timer];
  }
  if (instant !== undefined) return [timer];
  const beganAt = findBegin(stack, timer);
  return [isAhead(beganAt, now) && dueAt >= beganAt ? { ...timer, dueAt: now + dueAt - beganAt } : timer];
}

/** Returns since when a timer waits; of a retry the latest instant that is possible. */
function findBegin({ approvals = {}, enteredAt, updatedAt }: Stack, { task }: StackTimer): number {
  return task === undefined ? enteredAt : (approvals[task]?.askedAt ?? updatedAt);
}

function correctApprovals(approvals: Readonly<Record<string, Approval>>, now: number): Record<string, Approval> {
  const entries = Object.entries(approvals).map(([task, approval]) => {
    const { askedAt, expiresAt } = approval;
    const next = { ...approval, askedAt: now, expiresAt: now + expiresAt - askedAt };
    return [task, isAhead(askedAt, now) ? next : approval] as const;
  });
  return Object.fromEntries(entries);
}
