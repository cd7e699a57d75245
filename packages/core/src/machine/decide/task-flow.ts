import type { Machine } from "../machine.ts";
import type { Stack, TaskState } from "../stack.ts";

/** A stack with the machine that it is decided on. */
export interface Placed {
  readonly machine: Machine;
  readonly stack: Stack;
}

/** The status of a task of the present state; undefined when the state has no such task. */
export function findTask(stack: Stack, name: string): TaskState | undefined {
  return stack.tasks.find((task) => task.name === name);
}

/** True when there is no task that has not succeeded. */
export function isSatisfied(tasks: readonly TaskState[]): boolean {
  return tasks.every(({ status }) => status === "SATISFIED");
}

/** True while this entry waits for live runs of earlier ones. */
export function isHeld({ stack }: Pick<Placed, "stack">): boolean {
  return stack.awaitsRuns === true && hasLeftRuns(stack);
}

/** True when runs of earlier entries are live. */
export function hasLeftRuns({ runs, entry }: Stack): boolean {
  return runs.some((run) => run.entry < entry);
}

/** True when all that a task needs has succeeded. What the entry does not have, holds nothing up. */
export function needsAreMet({ machine, stack }: Placed, name: string): boolean {
  const needs = machine.tasks.get(name)?.needs ?? [];
  return needs.every((need) => (findTask(stack, need)?.status ?? "SATISFIED") === "SATISFIED");
}

/**
 * True when a task has failed for good and no other can do anything: each one has ended, or waits, directly or indirectly,
 * for one that failed.
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
