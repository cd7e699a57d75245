import { decide } from "../machine/decide/decide.ts";
import type { Applied, Decision } from "../machine/decide/decision.ts";
import type { StackEvent } from "../machine/event-message.ts";
import type { Machine } from "../machine/machine.ts";
import type { Stack } from "../machine/stack.ts";

/** The stack after these events, the first of which begins it. Throws when one of them is not applied. */
export function play(machine: Machine, ...events: readonly StackEvent[]): Stack {
  let stack: Stack | undefined;
  for (const [index, event] of events.entries()) {
    const named = index === 0 ? { machine: machine.name, ...event } : event;
    stack = toApplied(decide(machine, stack, named)).stack;
  }
  if (stack === undefined) throw new Error("There is no event to play.");
  return stack;
}

/** A decision that has to be an applied one. */
export function toApplied(decision: Decision): Applied {
  if (decision.kind === "applied") return decision;
  throw new Error(`${decision.code}: ${decision.reason}`);
}
