import type { Machine } from "../machine.ts";
import type { Stack, TaskState } from "../stack.ts";
import { listAbsentNeeds, listNeeds } from "./entry-needs.ts";

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

/** Returns true when all needs of a task have succeeded. A need that the entry does not have is never met. */
export function needsAreMet(placed: Placed, name: string): boolean {
  return listNeeds(placed, name).every((need) => findTask(placed.stack, need)?.status === "SATISFIED");
}

/**
 * Returns the first waiting task that can never begin in this entry, with the need that the entry does not have;
 * undefined while anything else runs or may begin.
 */
export function findLostNeed(placed: Placed): { readonly task: string; readonly need: string } | undefined {
  const { tasks } = placed.stack;
  if (isHeld(placed) || !tasks.some(({ detail }) => detail === "WAITING")) return undefined;
  const blocked = listBlocked(placed);
  if (tasks.some(({ name, status }) => status === "PENDING" && !blocked.has(name))) return undefined;
  for (const { name, detail } of tasks) {
    const [need] = detail === "WAITING" ? listAbsentNeeds(placed, name) : [];
    if (need !== undefined) return { task: name, need };
  }
  return undefined;
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

/** Returns the tasks that cannot begin: those that have failed or need what is not there, and those that need them. */
function listBlocked(placed: Placed): ReadonlySet<string> {
  const { tasks } = placed.stack;
  const waiting = tasks.filter(({ detail }) => detail === "WAITING");
  const blocked = new Set(tasks.filter(({ status }) => status === "ERROR").map(({ name }) => name));
  for (const { name } of waiting) if (listAbsentNeeds(placed, name).length > 0) blocked.add(name);
  for (let before = -1; before < blocked.size; ) {
    before = blocked.size;
    for (const { name } of waiting) {
      if (listNeeds(placed, name).some((need) => blocked.has(need))) blocked.add(name);
    }
  }
  return blocked;
}

/**
 * Returns true when a task waits and nothing of the stack can lead on to it: neither an attempt, a timer, an approval, nor a run
 * of an earlier entry.
 */
export function isStuck(stack: Stack): boolean {
  const pending = stack.tasks.filter(({ status }) => status === "PENDING");
  return pending.length > 0 && pending.every(({ detail }) => detail === "WAITING") && !isHeld({ stack });
}
