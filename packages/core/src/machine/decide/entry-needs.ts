import type { Machine, State } from "../machine.ts";
import type { BegunTask, Stack } from "../stack.ts";

/** A stack with the machine that it is decided on. */
interface Placed {
  readonly machine: Machine;
  readonly stack: Stack;
}

/**
 * Returns what the tasks of a state are entered with: their needs by name, which of them are approvals, and the approvals
 * that the state names. They count until the state is left, whatever a later revision says. Undefined where no task has any.
 */
export function toBegun(machine: Machine, { tasks, approved }: Pick<State, "tasks" | "approved">): Stack["begun"] {
  const begun = tasks.flatMap((name): readonly (readonly [string, BegunTask])[] => {
    const task = machine.tasks.get(name);
    if (task === undefined || (task.needs.length + approved.length === 0 && !task.isApproval)) return [];
    const own: Pick<BegunTask, "approved"> = approved.length === 0 ? {} : { approved };
    return [[name, { needs: task.needs, ...(task.isApproval && { isApproval: true }), ...own }]];
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

/** Returns the approvals by which a task runs: those that its state named when it was entered, and those of the present revision. */
export function listNamedApprovals({ machine, stack }: Placed, name: string): readonly string[] {
  const present = machine.states.get(stack.state)?.approved ?? [];
  return [...new Set([...(findBegun(stack, name)?.approved ?? []), ...present])];
}

/** Returns the needs of a task that the present entry does not have: they can never be met in it. */
export function listAbsentNeeds(placed: Placed, name: string): readonly string[] {
  const { tasks } = placed.stack;
  return listNeeds(placed, name).filter((need) => !tasks.some((task) => task.name === need));
}
