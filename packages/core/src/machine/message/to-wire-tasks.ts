import type { TaskState } from "../stack.ts";

/** A task as other programs read it in messages; the code of its failure stands in the record and in the API only. */
export type WireTask = Omit<TaskState, "errorCode">;

/** The tasks of a stack as messages and simulations show them. */
export function toWireTasks(tasks: readonly TaskState[]): readonly WireTask[] {
  return tasks.some(({ errorCode }) => errorCode !== undefined) ? tasks.map(toWireTask) : tasks;
}

function toWireTask({ errorCode, ...task }: TaskState): WireTask {
  return task;
}
