import { nextTimerAt } from "../machine/decide/timers.ts";
import type { Stack } from "../machine/stack.ts";
import { evaluateHealth } from "../machine/stack-health.ts";
import type { StackCondition } from "./store.ts";

/** Bits of the column `trouble`: what `evaluateHealth` has found. */
export const MARKS = {
  failed: 1,
  stalled: 2,
  overdue: 4,
  approval: 8,
  degraded: 16,
  cancelled: 32,
  /** It needs a person. */
  person: 64,
  /** It does not move to the newest revision of its machine yet. */
  behind: 128,
} as const;

/** The columns by which a store finds stacks, derived from the record. */
export interface StackColumns {
  /** A task is pending, or the stack waits for its runs. */
  readonly busy: boolean;
  /** The sum of `MARKS`; null without any, which keeps an index on the column small. */
  readonly trouble: number | null;
  /** When the first timer is due. */
  readonly timerAt: number | null;
}

/** Derives the columns from a record. */
export function toStackColumns(stack: Stack): StackColumns {
  const { busy, needsPerson: person, ...health } = evaluateHealth(stack);
  const found = { ...health, person, behind: isBehind(stack) };
  let trouble = 0;
  for (const [name, bit] of MARK_ENTRIES) if (found[name]) trouble += bit;
  return { busy, trouble: trouble || null, timerAt: nextTimerAt(stack) ?? null };
}

const MARK_ENTRIES = Object.entries(MARKS) as readonly (readonly [keyof typeof MARKS, number])[];

/** Returns true for a stack that does not move to the newest revision of its machine yet. */
export function isBehind({ heldBack }: Stack): boolean {
  return heldBack !== undefined;
}

/** Evaluates the condition of a filter for stores that have no columns for it. `parked`: the stack's parked events. */
export function matchesCondition(condition: StackCondition, stack: Stack, parked: number): boolean {
  const { cancelled, isAcknowledged, isAtRest, needsPerson, main, ...facts } = evaluateHealth(stack);
  if (condition !== "waiting") return facts[condition];
  return parked > 0 || Object.values(facts).some((isTrue) => isTrue);
}
