import { type Decision, effectOf } from "../machine/decide/decision.ts";
import type { Stack } from "../machine/stack.ts";
import type { Random } from "../ports/clock.ts";

/** Picks the random instants of a decision. Without `random` they are the latest ones possible. */
export function pickRandom(decision: Decision, random: Random | undefined): Decision {
  const effect = effectOf(decision);
  if (random === undefined || effect === undefined) return decision;
  const picked = { ...effect, stack: pickJitter(effect.stack, random) };
  return decision.kind === "ignored" ? { ...decision, moved: picked } : picked;
}

/**
 * Sets the timers of a stack to fixed instants: `decide` returns the latest one and the range of a random delay
 * (`jitterMs`). Returns the same stack when no timer has a range.
 */
export function pickJitter(stack: Stack, random: Random): Stack {
  if (stack.timers.every(({ jitterMs }) => jitterMs === undefined)) return stack;
  const timers = stack.timers.map(({ jitterMs = 0, ...timer }) => ({
    ...timer,
    dueAt: timer.dueAt - Math.floor(random() * jitterMs),
  }));
  return { ...stack, timers };
}
