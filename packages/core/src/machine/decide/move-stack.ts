import { isApprovalTask, type Machine, NEXT } from "../machine.ts";
import type { Stack, TaskState } from "../stack.ts";
import { findBegun } from "./entry-needs.ts";
import { adoptSecrets } from "./stack-secrets.ts";
import { adoptTimers } from "./timers.ts";

/** Why a stack does not move to a revision of its machine. It may later, without anything else changing. */
export interface MoveFault {
  readonly code: "UPGRADE_STATE_MISSING" | "UPGRADE_TASK_UNKNOWN" | "UPGRADE_NEED_MISSING";
  readonly reason: string;
}

/** A stack on another revision, or why it keeps its own. */
type Move = { readonly kind: "moved"; readonly stack: Stack } | { readonly kind: "held"; readonly fault: MoveFault };

/**
 * Moves a stack to a revision of its machine. What runs and waits ends under the revision that it began with: a revision
 * that lacks it, has something else under its name, or lets it wait for what this entry does not have, is taken when that has
 * ended or the state is left. Pure. Upgrades, events of stacks that follow their machine, timers, simulations and plans all
 * move by this function. What becomes possible by the move is done after the event that has caused it, if the entry continues:
 * waiting tasks, events of the engine that no state has handled, instants of timers, and approvals that are asked again.
 */
export function moveStack(machine: Machine, stack: Stack, at: number): Move {
  if (stack.machineHash === machine.hash) return { kind: "moved", stack };
  for (const { findFault } of TABLE) {
    const fault = findFault?.(machine, stack);
    if (fault !== undefined) return { kind: "held", fault };
  }
  let moved: Stack = { ...stack, machineHash: machine.hash };
  for (const { take } of TABLE) moved = take?.(machine, moved, at) ?? moved;
  return { kind: "moved", stack: moved };
}

/** One kind of thing that an entry has: why the stack must keep its revision for it, and what the new revision does to it. */
interface Row {
  readonly thing: string;
  readonly findFault?: (machine: Machine, stack: Stack) => MoveFault | undefined;
  readonly take?: (machine: Machine, stack: Stack, at: number) => Stack;
}

/** The table "What happens to running stacks when a document changes" of the documentation. What it does not name stays. */
const TABLE: readonly Row[] = [
  { thing: "the state itself", findFault: findStateFault },
  { thing: "a running or waiting task, an open approval", findFault: findTasksFault },
  { thing: "an approval that the revision adds", findFault: findApprovalFault },
  { thing: "timers", take: (machine, stack, at) => adoptTimers(stack, machine.states.get(stack.state), at) },
  { thing: "sensitive values", take: adoptSecrets },
];

function findStateFault({ name, states }: Machine, { state }: Stack): MoveFault | undefined {
  if (states.has(state)) return undefined;
  return { code: "UPGRADE_STATE_MISSING", reason: `Machine "${name}" has no state "${state}".` };
}

/** A row that was taken over has no revision, and its tasks none that they began with. */
function isTakenOver({ machineHash }: Stack): boolean {
  return machineHash === "";
}

function findTasksFault(machine: Machine, stack: Stack): MoveFault | undefined {
  if (isTakenOver(stack)) return undefined;
  for (const task of stack.tasks) {
    const fault = task.status === "PENDING" ? findTaskFault(machine, stack, task) : undefined;
    if (fault !== undefined) return fault;
  }
  return undefined;
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
function findApprovalFault(machine: Machine, stack: Stack): MoveFault | undefined {
  const isOver = stack.tasks.every(({ status }) => status === "SATISFIED") && stack.pending?.includes(NEXT) !== true;
  if (isOver || isTakenOver(stack)) return undefined;
  const added = machine.states.get(stack.state)?.tasks.find((name) => {
    return isApprovalTask(machine, name) && !stack.tasks.some((task) => task.name === name);
  });
  if (added === undefined) return undefined;
  const reason = `The new revision adds the approval "${added}" to "${stack.state}", and the stack has not done all tasks of this entry.`;
  return { code: "UPGRADE_NEED_MISSING", reason };
}
