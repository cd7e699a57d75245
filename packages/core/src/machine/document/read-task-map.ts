import { type CompileContext, onKey, onValue } from "./compile-context.ts";
import { type Field, isMapField, toFields } from "./tree.ts";
import { describe } from "./wording.ts";

/** The tasks by name; undefined, with `tasks-not-map`, when the field holds anything else. */
export function readTaskMap(
  { problems, limits }: CompileContext,
  tasks: Field,
): ReadonlyMap<string, Field> | undefined {
  if (!isMapField(tasks)) {
    const message = `tasks must be a map of tasks, but it is ${describe(tasks.node)}. Without tasks write {}.`;
    problems.error("tasks-not-map", onValue(tasks), message);
    return undefined;
  }
  const fields = toFields(tasks);
  if (fields.size > limits.maxTasks) {
    const message = `The machine has ${fields.size} tasks; ${limits.maxTasks} are allowed.`;
    problems.error("limit-exceeded", onKey(tasks), message);
  }
  return fields;
}
