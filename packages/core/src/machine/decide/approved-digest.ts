import type { Machine } from "../machine.ts";
import { shortHashOf } from "../short-hash.ts";
import type { Stack } from "../stack.ts";
import { listNeeds } from "./entry-needs.ts";

/**
 * Returns the digest of what an approval is about: the text that it names, and the tasks that run by it as the machine has
 * them. Each approval has it from the moment when it is requested; what is sent by it must still have the same one.
 */
export function toApprovedDigest({ states, tasks, targets }: Machine, gate: string, of: string): string {
  const naming = [...states.values()].flatMap(({ approved, tasks: own }) => (approved.includes(gate) ? own : []));
  const needing = [...tasks.keys()].filter((name) => {
    return listAllNeeds(name, (each) => tasks.get(each)?.needs ?? []).has(gate);
  });
  const bound = [...new Set([...naming, ...needing])].sort().map((name) => {
    const task = tasks.get(name);
    return [name, task?.definition, targets.get(task?.target ?? "")?.source];
  });
  return shortHashOf(JSON.stringify([of, bound]));
}

/** Returns all tasks that a task of the present entry needs, directly or not. */
export function listEntryNeeds(placed: { readonly machine: Machine; readonly stack: Stack }, task: string) {
  return listAllNeeds(task, (each) => listNeeds(placed, each));
}

function listAllNeeds(task: string, findNeeds: (task: string) => readonly string[]): ReadonlySet<string> {
  const all = new Set(findNeeds(task));
  // Iteration over a set includes items that are added meanwhile.
  for (const name of all) for (const need of findNeeds(name)) all.add(need);
  return all;
}
