import { checkKeys } from "../document/check-keys.ts";
import { type CompileContext, onValue } from "../document/compile-context.ts";
import type { References, StateReferences } from "../document/references.ts";
import { type Field, findField, isListField, isMapField, toItems } from "../document/tree.ts";
import { describe, quote, suggest } from "../document/wording.ts";
import { type HandlerDraft, readHandlers } from "./read-handlers.ts";

/** A state as far as it could be read; undefined parts are faulty, and nothing can be said about them. */
export interface StateDraft {
  readonly field: Field;
  readonly terminal?: boolean;
  /** Each name once, unknown ones included. */
  readonly tasks?: readonly string[];
  readonly on?: ReadonlyMap<string, HandlerDraft>;
}

// What version 2 lets a state have besides.
const NEWER = ["timeout", "after", "leaving", "protected"];

/** Reads one state. */
export function readState(context: CompileContext, field: Field, references: StateReferences): StateDraft {
  if (!isMapField(field)) {
    const message = `A state must be a map, but this is ${describe(field.node)}. A state without anything is {}.`;
    context.problems.error("state-not-map", onValue(field), message);
    return { field };
  }
  const owner = { known: ["terminal", "tasks", "on"], code: "state-unknown-key", owner: "a state", newer: NEWER };
  checkKeys(context, field, owner);
  const terminal = readTerminal(context, findField(field, "terminal"));
  const tasks = readStateTasks(context, findField(field, "tasks"), references.tasks);
  const on = readHandlers(context, findField(field, "on"), references);
  return { field, ...(terminal !== undefined && { terminal }), ...(tasks && { tasks }), ...(on && { on }) };
}

function readTerminal({ problems }: CompileContext, field: Field | undefined): boolean | undefined {
  if (field === undefined) return false;
  const value = field.node.kind === "scalar" ? field.node.value : undefined;
  if (typeof value === "boolean") return value;
  if (value === "true" || value === "false") {
    problems.warn(
      "terminal-coerced",
      onValue(field),
      `terminal is the text ${quote(value)}; write ${value} without quotes.`,
    );
    return value === "true";
  }
  problems.error(
    "terminal-not-boolean",
    onValue(field),
    `terminal must be true or false, but it is ${describe(field.node)}.`,
  );
  return undefined;
}

function readStateTasks(
  context: CompileContext,
  field: Field | undefined,
  known: References,
): readonly string[] | undefined {
  if (field === undefined) return [];
  if (!isListField(field)) {
    const message = `tasks of a state must be a list of task names, but this is ${describe(field.node)}.`;
    context.problems.error("state-tasks-not-list", onValue(field), message);
    return undefined;
  }
  const names = new Set<string>();
  for (const item of toItems(field)) readStateTask(context, item, { names, known });
  return [...names];
}

interface StateTasks {
  readonly names: Set<string>;
  readonly known: References;
}

function readStateTask({ problems }: CompileContext, item: Field, { names, known }: StateTasks): void {
  const value = item.node.kind === "scalar" ? item.node.value : undefined;
  if (typeof value !== "string") {
    const message = `A task of a state must be a task's name, but this is ${describe(item.node)}.`;
    problems.error("state-task-not-string", onValue(item), message);
  } else if (names.has(value)) {
    const message = `The task ${quote(value)} is listed twice in this state; it runs once.`;
    problems.warn("duplicate-state-task", onValue(item), message);
  } else {
    names.add(value);
    if (known.use(value)) return;
    const message = `There is no task ${quote(value)}.${suggest(known.resolve(value))}`;
    problems.error("state-task-undefined", onValue(item), message);
  }
}
