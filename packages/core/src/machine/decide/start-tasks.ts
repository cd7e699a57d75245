import type { Task } from "../machine.ts";
import type { MessageStack } from "../message/task-message.ts";
import type { TaskState } from "../stack.ts";
import { dispatchTask, tellLostTask, toMessageStack } from "./dispatch-task.ts";
import { type PreparedTask, prepareTask } from "./prepare-dispatch.ts";
import { isHeld, needsAreMet } from "./task-flow.ts";
import { toScope } from "./to-scope.ts";
import { noteEnd, toDetail, toScopeInput, toShown, type Work } from "./work.ts";

/** What becomes of a task when its state is entered: it waits to be sent, is skipped, or cannot tell and has failed. */
export function decideOnEntry(work: Work, name: string): TaskState {
  const when = work.machine.tasks.get(name)?.when;
  if (when === undefined) return toWaiting(name);
  const result = when.evaluate(toScope(toScopeInput(work)));
  if (result.kind === "value" && typeof result.value === "boolean") {
    return result.value ? toWaiting(name) : { name, status: "SATISFIED", ...toDetail(work.machine, "SKIPPED") };
  }
  const why = result.kind === "error" ? result.reason : "it gives neither true nor false";
  return toFault(work, name, {
    code: "EXPRESSION_FAILED",
    message: `The condition ${JSON.stringify(when.source)} failed: ${why}`,
  });
}

/** A task that is sent as soon as nothing holds it up. */
export function toWaiting(name: string): TaskState {
  return { name, status: "PENDING", detail: "WAITING" };
}

/**
 * Sends every waiting task that nothing holds up any more. Those that cannot be resolved fail without being sent. All
 * messages show the stack as it is then, or as it is given.
 */
export function startReady(work: Work, given?: MessageStack): void {
  if (isHeld(work)) return;
  const prepared: PreparedTask[] = [];
  const start = (task: TaskState): TaskState => {
    if (task.detail !== "WAITING" || !needsAreMet(work, task.name)) return task;
    const made = prepare(work, task.name);
    if (made.kind === "unsent") return made.task;
    prepared.push(made);
    return { name: task.name, status: "PENDING", ...toDetail(work.machine, "RUNNING") };
  };
  const tasks = work.stack.tasks.map(start);
  if (tasks.every((task, index) => task === work.stack.tasks[index])) return;
  const faults = tasks.filter((task, index) => task !== work.stack.tasks[index] && task.status === "ERROR");
  work.stack = { ...work.stack, tasks };
  for (const task of faults) noteEnd(work, task);
  const shown = given ?? toMessageStack(work.machine, work.stack);
  for (const each of prepared) dispatchTask(work, each, shown);
}

interface Unsent {
  readonly kind: "unsent";
  readonly task: TaskState;
}

/** Resolves a task, or says what becomes of one that cannot be sent. */
function prepare(work: Work, name: string): PreparedTask | Unsent {
  const task: Task | undefined = work.machine.tasks.get(name);
  if (task === undefined) {
    work.notes.push(tellLostTask(name));
    return { kind: "unsent", task: { name, status: "PENDING" } };
  }
  const prepared = prepareTask(toScopeInput(work), task);
  return prepared.kind === "fault" ? { kind: "unsent", task: toFault(work, name, prepared) } : prepared;
}

function toFault(
  work: Work,
  name: string,
  { code, message }: { readonly code: string; readonly message: string },
): TaskState {
  return { name, status: "ERROR", errorMessage: toShown(work, message), errorCode: code };
}
