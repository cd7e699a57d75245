import { type CompileContext, onKey, onValue } from "../document/compile-context.ts";
import type { References } from "../document/references.ts";
import { type Field, findField, findText, isListField, isMapField, toItems } from "../document/tree.ts";
import { describe, quote, suggest } from "../document/wording.ts";

/** The names of a state's tasks, each once, unknown ones included; undefined when they cannot be read. */
export function readStateTasks(
  context: CompileContext,
  state: Field,
  known: References,
): readonly string[] | undefined {
  const field = isMapField(state) ? findField(state, "tasks") : undefined;
  if (field === undefined) return [];
  const { problems, limits } = context;
  if (!isListField(field)) {
    const message = `tasks of a state must be a list of task names, but this is ${describe(field.node)}.`;
    problems.error("state-tasks-not-list", onValue(field), message);
    return undefined;
  }
  const items = toItems(field);
  if (items.length > limits.maxStateTasks) {
    const message = `The state has ${items.length} tasks; ${limits.maxStateTasks} are allowed.`;
    problems.error("limit-exceeded", onKey(field), message);
  }
  const names = new Set<string>();
  for (const item of items) readStateTask(context, item, { names, known });
  return [...names];
}

interface StateTasks {
  readonly names: Set<string>;
  readonly known: References;
}

function readStateTask({ problems }: CompileContext, item: Field, { names, known }: StateTasks): void {
  const name = findText(item);
  if (name === undefined) {
    const message = `A task of a state must be a task's name, but this is ${describe(item.node)}.`;
    problems.error("state-task-not-string", onValue(item), message);
  } else if (names.has(name)) {
    const message = `The task ${quote(name)} is listed twice in this state. Remove one of them.`;
    problems.error("state-task-duplicate", onValue(item), message);
  } else {
    names.add(name);
    if (known.use(name)) return;
    const message = `There is no task ${quote(name)}.${suggest(known.resolve(name))}`;
    problems.error("state-task-undefined", onValue(item), message);
  }
}
