import type { Machine } from "../machine.ts";
import type { BegunTask, Stack } from "../stack.ts";

/** A stack with the machine that it is decided on. */
interface Placed {
  readonly machine: Machine;
  readonly stack: Stack;
}

/**
 * Returns what the tasks of a state are entered with: their needs by name, and which of them are approvals. They count
 * until the state is left, whatever a later revision says. Undefined where no task has any.
 */
export function toBegun(machine: Machine, names: readonly string[]): Stack["begun"] {
  const begun = names.flatMap((name): readonly (readonly [string, BegunTask])[] => {
    const task = machine.tasks.get(name);
    if (task === undefined || (task.needs.length === 0 && !task.isApproval)) return [];
    const kept: BegunTask = { needs: task.needs, ...(task.isApproval && { isApproval: true }) };
    return [[name, kept]];
  });
  return begun.length === 0 ? undefined : Object.fromEntries(begun);
}

/** Returns what a task of the present entry began with. */
export function findBegun({ begun = {} }: Stack, name: string): BegunTask | undefined {
  return Object.hasOwn(begun, name) ? begun[name] : undefined;
}

/**
 * Returns the needs of a task, each once: those that its entry began with, and those of the present revision. Everything
 * that asks what a task waits for asks here.
 */
export function listNeeds({ machine, stack }: Placed, name: string): readonly string[] {
  const begun = findBegun(stack, name)?.needs ?? [];
  const present = machine.tasks.get(name)?.needs ?? [];
  return begun.length === 0 ? present : [...new Set([...begun, ...present])];
}

/** Returns the needs of a task that the present entry does not have: they can never be met in it. */
export function listAbsentNeeds(placed: Placed, name: string): readonly string[] {
  const { tasks } = placed.stack;
  return listNeeds(placed, name).filter((need) => !tasks.some((task) => task.name === need));
}
