import type { Machine } from "../machine.ts";
import type { Stack, TaskState } from "../stack.ts";

/** A stack with the machine that it is decided on. */
interface Placed {
  readonly machine: Machine;
  readonly stack: Stack;
}

/** Returns the status of a task of the present state; undefined when the state does not have the task. */
export function findTask(stack: Stack, name: string): TaskState | undefined {
  return stack.tasks.find((task) => task.name === name);
}

/** Returns true when all tasks have succeeded. */
export function isSatisfied(tasks: readonly TaskState[]): boolean {
  return tasks.every(({ status }) => status === "SATISFIED");
}

/** Returns true while this entry waits for live runs of earlier ones. */
export function isHeld({ stack }: Pick<Placed, "stack">): boolean {
  return stack.awaitsRuns === true && hasLeftRuns(stack);
}

/** Returns true when runs of earlier entries are live. */
export function hasLeftRuns({ runs, entry }: Stack): boolean {
  return runs.some((run) => run.entry < entry);
}

/** Returns true when all needs of a task have succeeded. Tasks that the entry does not have block nothing. */
export function needsAreMet({ machine, stack }: Placed, name: string): boolean {
  const needs = machine.tasks.get(name)?.needs ?? [];
  return needs.every((need) => (findTask(stack, need)?.status ?? "SATISFIED") === "SATISFIED");
}

/**
 * Returns true when a task has failed permanently and no other can proceed: each one has ended, or waits, directly or
 * indirectly, for a failed one.
 */
export function hasFailed(placed: Placed): boolean {
  const { tasks } = placed.stack;
  if (!tasks.some(({ status }) => status === "ERROR")) return false;
  if (!tasks.some(({ status }) => status === "PENDING")) return true;
  if (isHeld(placed)) return false;
  const blocked = listBlocked(placed);
  return tasks.every(({ name, status }) => status !== "PENDING" || blocked.has(name));
}

function listBlocked({ machine, stack }: Placed): ReadonlySet<string> {
  const blocked = new Set(stack.tasks.filter(({ status }) => status === "ERROR").map(({ name }) => name));
  const waiting = stack.tasks.filter(({ detail }) => detail === "WAITING");
  for (let before = -1; before < blocked.size; ) {
    before = blocked.size;
    for (const { name } of waiting) {
      if (machine.tasks.get(name)?.needs.some((need) => blocked.has(need))) blocked.add(name);
    }
  }
  return blocked;
}
