import { type CompileContext, onKey, onValue } from "../document/compile-context.ts";
import { type Field, findField, type MapNode } from "../document/tree.ts";
import { listNames, quote } from "../document/wording.ts";
import { readTextList, suggestWithin, type TextItem, type V2Context } from "./read-fields.ts";

/** The tasks that a task needs, each once; unknown ones are problems and left out. */
export function readNeeds(
  context: V2Context,
  task: Field<MapNode>,
  known: Pick<ReadonlySet<string>, "has" | "keys">,
): readonly TextItem[] {
  const field = findField(task, "needs");
  const rule = { code: "needs-not-list", what: "needs must be a list of names of tasks" };
  const items = (field && readTextList(context, field, rule)) ?? [];
  const { maxStateTasks } = context.limits;
  if (field && items.length > maxStateTasks) {
    const message = `The task has ${items.length} needs; ${maxStateTasks} are allowed, as many as a state may have tasks.`;
    context.problems.error("limit-exceeded", onKey(field), message);
  }
  const needs = new Map<string, TextItem>();
  for (const item of items.slice(0, maxStateTasks)) {
    const fault = findFault(context, item.text, { known, needs });
    if (fault) context.problems.error(fault.code, onValue(item.field), fault.message);
    else needs.set(item.text, item);
  }
  return [...needs.values()];
}

interface NeedsInput {
  readonly known: Pick<ReadonlySet<string>, "has" | "keys">;
  /** Those before. */
  readonly needs: ReadonlyMap<string, TextItem>;
}

function findFault(
  context: V2Context,
  name: string,
  { known, needs }: NeedsInput,
): { readonly code: string; readonly message: string } | undefined {
  if (!known.has(name)) {
    const near = suggestWithin(context, name, known.keys());
    return { code: "needs-undefined", message: `There is no task ${quote(name)}.${near}` };
  }
  if (!needs.has(name)) return undefined;
  return { code: "needs-duplicate", message: `The task ${quote(name)} is among the needs twice.` };
}

/** What each task needs, by its name. */
export type Needs = ReadonlyMap<string, readonly TextItem[]>;

/** The names of a state's tasks; undefined when they could not be read. */
export type StateTasks = readonly string[] | undefined;

/** Refuses needs that a state with the task does not list, and needs that go in circles. */
export function checkNeeds(context: CompileContext, needs: Needs, states: ReadonlyMap<string, StateTasks>): void {
  const { maxStateTasks, maxProblems } = context.limits;
  // States with more tasks are refused for that.
  const sound = [...states].filter(([, tasks = []]) => tasks.length <= maxStateTasks);
  for (const [item, lacking] of findLacking(needs, new Map(sound))) {
    const message = `${quote(lacking.task)} needs ${quote(item.text)}, which is not among the tasks of ${listNames(lacking.states)}.`;
    context.problems.error("needs-not-in-state", onValue(item.field), message);
  }
  for (const cycle of findCycles(needs, maxProblems)) {
    const message = `These tasks wait for each other: ${listNames(cycle.names, " → ")}.`;
    context.problems.error("needs-cycle", onValue(cycle.item.field), message);
  }
}

interface Lacking {
  readonly task: string;
  /** States that list the task and not what it needs. */
  readonly states: string[];
}

function findLacking(needs: Needs, states: ReadonlyMap<string, StateTasks>): ReadonlyMap<TextItem, Lacking> {
  const lacking = new Map<TextItem, Lacking>();
  for (const [state, tasks = []] of states) {
    const listed = new Set(tasks);
    for (const task of tasks) {
      for (const item of needs.get(task) ?? []) {
        if (listed.has(item.text)) continue;
        const found = lacking.get(item) ?? { task, states: [] };
        found.states.push(state);
        lacking.set(item, found);
      }
    }
  }
  return lacking;
}

interface Cycle {
  /** From a task back to itself. */
  readonly names: readonly string[];
  /** The need that closes it. */
  readonly item: TextItem;
}

// Each task is walked through once: one circle is told for each need that leads back into the way to it. Aliases make tens
// of thousands of long ones out of a small document, so no more are kept than are listed.
function findCycles(needs: Needs, max: number): readonly Cycle[] {
  const cycles: Cycle[] = [];
  const done = new Set<string>();
  const way: string[] = [];

  function keep(start: number, item: TextItem): void {
    if (cycles.length < max) cycles.push({ names: [...way.slice(start), item.text], item });
  }

  function walk(task: string): void {
    way.push(task);
    for (const item of needs.get(task) ?? []) {
      const start = way.indexOf(item.text);
      if (start !== -1) keep(start, item);
      else if (!done.has(item.text)) walk(item.text);
    }
    way.pop();
    done.add(task);
  }

  for (const task of needs.keys()) if (!done.has(task)) walk(task);
  return cycles;
}

/** All tasks that must have succeeded before a task starts, those that its needs need included. */
export function toAllNeeds(needs: Needs, task: string): readonly string[] {
  const all = new Set((needs.get(task) ?? []).map(({ text }) => text));
  // A set that grows while it is walked is walked to its new end.
  for (const name of all) for (const { text } of needs.get(name) ?? []) all.add(text);
  return [...all];
}
