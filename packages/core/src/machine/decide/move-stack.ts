import { isApprovalTask, type Machine, NEXT } from "../machine.ts";
import type { Stack, TaskState } from "../stack.ts";
import { findBegun } from "./entry-needs.ts";

/** Why a stack does not move to a revision of its machine. It may later, without anything else changing. */
export interface MoveFault {
  readonly code: "UPGRADE_STATE_MISSING" | "UPGRADE_TASK_UNKNOWN" | "UPGRADE_NEED_MISSING";
  readonly reason: string;
}

/**
 * Returns why a stack keeps its revision; undefined when it may move to this one. What runs and waits ends under the
 * revision that it began with: a revision that lacks one of these tasks, has something else under its name, or lets it wait for what
 * this entry does not have, is taken when the task has ended or the state is left. Upgrades, events of stacks that follow
 * their machine, timers, simulations and plans ask this one function.
 */
export function findMoveFault(machine: Machine, stack: Stack): MoveFault | undefined {
  const state = machine.states.get(stack.state);
  if (state === undefined) {
    return { code: "UPGRADE_STATE_MISSING", reason: `Machine "${machine.name}" has no state "${stack.state}".` };
  }
  for (const task of stack.tasks) {
    if (task.status !== "PENDING") continue;
    const fault = findTaskFault(machine, stack, task);
    if (fault !== undefined) return fault;
  }
  return findApprovalFault(machine, stack, state.tasks);
}

function findTaskFault(machine: Machine, stack: Stack, task: TaskState): MoveFault | undefined {
  const { name, detail } = task;
  const what = detail === "WAITING" ? "waits" : "is running";
  if (!machine.tasks.has(name)) {
    const reason = `Task "${name}" ${what} and is not in the new revision.`;
    return { code: "UPGRADE_TASK_UNKNOWN", reason };
  }
  const isApproval = isApprovalTask(machine, name);
  const began = detail === "APPROVING" || findBegun(stack, name)?.isApproval === true;
  if (isApproval !== began && (began || detail !== "WAITING")) {
    const kind = began ? "an approval" : "a task of a worker";
    return {
      code: "UPGRADE_TASK_UNKNOWN",
      reason: `"${name}" ${what} as ${kind}, which it is not in the new revision.`,
    };
  }
  const need = findAbsent(machine, stack, name);
  if (need === undefined) return undefined;
  const reason = `Task "${name}" has not ended and needs "${need}" in the new revision, which the state did not have when it was entered.`;
  return { code: "UPGRADE_NEED_MISSING", reason };
}

/** Returns a task that another one needs in a revision, directly or not, and that the present entry does not have. */
function findAbsent({ tasks }: Machine, stack: Stack, name: string): string | undefined {
  const all = new Set(tasks.get(name)?.needs);
  // Iteration over a set includes items that are added meanwhile.
  for (const each of all) {
    if (!stack.tasks.some((task) => task.name === each)) return each;
    for (const need of tasks.get(each)?.needs ?? []) all.add(need);
  }
  return undefined;
}

/** What follows on the state, or is tried again in it, must not pass an approval that the revision adds to it. */
function findApprovalFault(machine: Machine, stack: Stack, names: readonly string[]): MoveFault | undefined {
  const isOver = stack.tasks.every(({ status }) => status === "SATISFIED") && stack.pending?.includes(NEXT) !== true;
  if (isOver) return undefined;
  const added = names.find((name) => {
    return isApprovalTask(machine, name) && !stack.tasks.some((task) => task.name === name);
  });
  if (added === undefined) return undefined;
  const reason = `The new revision adds the approval "${added}" to "${stack.state}", and the stack has not done all tasks of this entry.`;
  return { code: "UPGRADE_NEED_MISSING", reason };
}
