import { FAILED, type Machine, NEXT } from "../machine.ts";
import type { Stalled } from "../stack.ts";
import type { Work } from "./work.ts";

/** So often a task may fail for good in the same way for one event: one more would be a loop and not another try. */
const MOST_SAME_FAILURES = 5;

/** Returns why a stack must not enter a state by itself: it leads to a task again that has failed alike too often. */
export function findSameFailure({ machine, stack }: Work, state: string): Stalled | undefined {
  const { lacks = {} } = stack.deeds?.[stack.deed ?? ""] ?? {};
  const found = Object.entries(lacks).find(([, { times = 1 }]) => times >= MOST_SAME_FAILURES);
  if (found === undefined) return undefined;
  const [task, { code, times }] = found;
  if (!leadsTo(machine, state, task)) return undefined;
  const reason = `"${task}" has failed ${times} times in a row with ${code}, and no event has come meanwhile. "${state}" would run it again.`;
  return { code: "LOOP_LIMIT", reason };
}

/** Returns true if a state, or one that follows by itself, has a task. */
function leadsTo(machine: Machine, first: string, task: string): boolean {
  const names = new Set([first]);
  for (const name of names) {
    const state = machine.states.get(name);
    if (state?.tasks.includes(task)) return true;
    const reactions = [NEXT, FAILED].flatMap((event) => state?.on.get(event) ?? []);
    for (const { advance } of reactions) for (const next of advance.slice(-1)) names.add(next);
  }
  return false;
}
