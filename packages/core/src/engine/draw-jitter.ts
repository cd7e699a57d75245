import type { Stack } from "../machine/stack.ts";
import type { Random } from "../ports/clock.ts";

/**
 * The stack with its timers at fixed instants: `decide` gives the latest one and how much before it is up to chance. The
 * same stack when nothing is.
 */
export function drawJitter(stack: Stack, random: Random): Stack {
  if (stack.timers.every(({ jitterMs }) => jitterMs === undefined)) return stack;
  const timers = stack.timers.map(({ jitterMs = 0, ...timer }) => ({
    ...timer,
    dueAt: timer.dueAt - Math.floor(random() * jitterMs),
  }));
  return { ...stack, timers };
}
