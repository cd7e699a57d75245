import type { Operation, Range } from "../machine/edits/operation.ts";
import type { Outline } from "../machine/outline.ts";

/** The selected part of a machine, which text and graph show, and whose fields are open. */
export type Selection =
  | { readonly kind: "machine" }
  | { readonly kind: "state"; readonly state: string }
  | { readonly kind: "task"; readonly task: string }
  /** The reactions of a state to an event. */
  | { readonly kind: "arrow"; readonly state: string; readonly event: string };

/** Returns the smallest part of a machine at an offset of its text: a reaction, a state or a task. */
export function findSelection({ states, tasks }: Outline, offset: number): Selection | undefined {
  const isThere = ({ from, to }: Range) => from <= offset && offset <= to;
  // The range of a block reaches to the next one.
  const state = states.findLast(isThere);
  if (state === undefined) {
    const task = tasks.findLast(isThere);
    return task && { kind: "task", task: task.name };
  }
  const reaction = state.reactions.findLast(isThere);
  return reaction === undefined
    ? { kind: "state", state: state.name }
    : { kind: "arrow", state: state.name, event: reaction.event };
}

/** Returns the places of a selected part in the text; the whole machine has none. */
export function findPlaces({ states, tasks }: Outline, selection: Selection | undefined): readonly Range[] {
  if (selection === undefined || selection.kind === "machine") return [];
  if (selection.kind === "task") return tasks.filter(({ name }) => name === selection.task);
  const state = states.find(({ name }) => name === selection.state);
  if (state === undefined) return [];
  return selection.kind === "state" ? [state] : state.reactions.filter(({ event }) => event === selection.event);
}

/** Returns the name of the state that is selected, or whose arrow is. */
export function stateOf(selection: Selection | undefined): string | undefined {
  return selection !== undefined && "state" in selection ? selection.state : undefined;
}

/** Returns a text that differs between any two selections. */
export function toSelectionKey(selection: Selection): string {
  return Object.values(selection).join(" ");
}

/** Returns what is selected after an edit: a state that was added, and what was renamed by its new name. */
export function followEdit(selection: Selection | undefined, operation: Operation): Selection | undefined {
  if (operation.kind === "add-state") return { kind: "state", state: operation.name };
  if (operation.kind !== "rename" || selection === undefined) return selection;
  const { what, from, to } = operation;
  if (what === "task")
    return selection.kind === "task" && selection.task === from ? { kind: "task", task: to } : selection;
  if (!("state" in selection)) return selection;
  if (what === "state" && selection.state === from) return { ...selection, state: to };
  return what === "event" && selection.kind === "arrow" && selection.event === from
    ? { ...selection, event: to }
    : selection;
}
