import { APPROVAL } from "../approval-name.ts";
import { onKey, onValue } from "../document/compile-context.ts";
import { findField, findText, type TextItem } from "../document/tree.ts";
import { listNames, quote } from "../document/wording.ts";
import type { Template } from "../expression/expression.ts";
import { haveCommon, listReferences } from "../expression/list-references.ts";
import { INIT, type MetadataRule, NEXT } from "../machine.ts";
import { suggestWithin, type V2Context } from "./read-expressions.ts";
import type { TargetDrafts, TaskDraft } from "./read-tasks.ts";
import type { StateDraft } from "./state-drafts.ts";

/** The parts of a document that say what is done by an approval. */
interface Input {
  readonly states: ReadonlyMap<string, StateDraft>;
  readonly tasks: readonly TaskDraft[];
  readonly targets: TargetDrafts | undefined;
  readonly rules: ReadonlyMap<string, MetadataRule>;
}

/** Checks which approvals states name, and warns of states that run by one and do not name it. */
export function checkApproved(context: V2Context, input: Input): void {
  const tasks = new Map(input.tasks.map((task) => [task.name, task]));
  for (const [name, state] of input.states) {
    for (const item of state.approved) checkItem(context, item, { name, state, tasks });
  }
  // References can be read only where all expressions could be.
  if (!context.problems.hasErrors()) warnUnnamed(context, input, tasks);
}

interface Place {
  readonly name: string;
  readonly state: StateDraft;
  readonly tasks: ReadonlyMap<string, TaskDraft>;
}

function checkItem(context: V2Context, { text, field }: TextItem, { name, state, tasks }: Place): void {
  const { problems } = context;
  const task = tasks.get(text);
  if (task === undefined) {
    const near = suggestWithin(context, text, tasks.keys());
    problems.error("approved-undefined", onValue(field), `Unknown task ${quote(text)}.${near}`);
    return;
  }
  const fault = findFault(task, name, state);
  if (fault !== undefined) problems.error("approved-invalid", onValue(field), fault);
}

function findFault(task: TaskDraft, name: string, { tasks = [] }: StateDraft): string | undefined {
  const gate = quote(task.name);
  if (task.executor !== APPROVAL) return `${gate} is not an approval: no one is asked what ${quote(name)} may do.`;
  if (tasks.includes(task.name))
    return `${quote(name)} asks ${gate} itself: name it in \`needs\` of the tasks that wait for it.`;
  if (findOf(task) === undefined)
    return `${gate} does not say what is approved: give its config \`of\`, such as "\${metadata.plan}".`;
  const passing = [...listOfReferences(task)].find((each) => !LASTING.test(each));
  return passing === undefined
    ? undefined
    : `${gate} approves ${quote(passing)}, which is not the same in ${quote(name)}: write it into the metadata, such as by \`outputs\`, and read that in \`of\`.`;
}

/** What an expression of a later state reads as an earlier one did. */
const LASTING = /^(?:metadata(?:\..*)?|stack\.(?:id|machine|createdAt))$/s;

function findOf({ config }: TaskDraft) {
  return config && findField(config.config, "of");
}

function listOfReferences(task: TaskDraft): ReadonlySet<string> {
  try {
    return listReferences(findText(findOf(task)));
  } catch {
    // The expression is reported where it is read.
    return new Set();
  }
}

/**
 * Warns of states that read what an approval approves and do not name it: something else could be done there. What the way
 * there or the state itself writes anew is not what was approved.
 */
function warnUnnamed({ problems }: V2Context, input: Input, tasks: Place["tasks"]): void {
  for (const gate of listGates(tasks)) {
    const free = findReachedWithout(input.states, gate.gate);
    for (const [name, state] of input.states) {
      const reading = listReading({ name, state, tasks }, input, gate);
      const advice = reading.length === 0 ? undefined : findAdvice(input, { name, ...gate, free });
      if (advice === undefined) continue;
      const message = `${listNames(reading)} would also be sent with something else than ${quote(gate.gate)} has approved. ${advice}`;
      problems.warn("approved-unnamed", onKey(state.field), message);
    }
  }
}

interface Gate {
  readonly gate: string;
  /** The metadata that the text of the approval is made of, such as `metadata.plan`. */
  readonly keys: ReadonlySet<string>;
}

function listGates(tasks: Place["tasks"]): readonly Gate[] {
  return [...tasks.values()].flatMap((task) => {
    const of = task.executor === APPROVAL ? [...listOfReferences(task)] : [];
    const keys = new Set(of.filter((each) => each.startsWith("metadata")));
    return keys.size === 0 ? [] : [{ gate: task.name, keys }];
  });
}

/** Lists the tasks of a state that read what was approved, unless the state names the approval, or has another one. */
function listReading({ name, state, tasks }: Place, { states, targets }: Input, { gate, keys }: Gate) {
  const isNamed = state.tasks?.includes(gate) || state.approved.some(({ text }) => text === gate);
  const own = (state.tasks ?? []).flatMap((each) => tasks.get(each) ?? []);
  if (isNamed || writes(own, keys) || isSetOnTheWay(states, name, keys)) return [];
  const sent = own.filter(({ executor }) => executor !== APPROVAL);
  return sent.filter((task) => haveCommon(listReads(task, targets), keys)).map((task) => task.name);
}

/** Returns what to write; undefined for a state that also stands for itself, or where only the machine writes what it reads. */
function findAdvice(
  { states, rules }: Input,
  { name, gate, keys, free }: Gate & { readonly name: string; readonly free: ReadonlySet<string> },
): string | undefined {
  const line = `\`approved: [${gate}]\``;
  if (!free.has(name)) return `Write ${line} in ${quote(name)}.`;
  const follows = [...states.values()].some(({ tasks, on }) => {
    return tasks?.includes(gate) && on?.get(NEXT)?.advances.some(({ target }) => target === name);
  });
  const isOpen = [...keys].some((key) => {
    const rule = rules.get(key.slice("metadata.".length));
    return !rule?.readOnly && !rule?.immutable;
  });
  if (!follows || !isOpen) return undefined;
  return `${quote(name)} is entered without it, too: let ${quote(gate)} lead to a state of its own with ${line}, or make what it approves \`readOnly\`.`;
}

function listReads({ config, target }: TaskDraft, targets: Input["targets"]): ReadonlySet<string> {
  const sources: readonly (Template | undefined)[] = [config?.dynamic?.template, targets?.get(target ?? "")];
  return listReferences(sources.map((template) => template?.source));
}

function writes(tasks: readonly TaskDraft[], keys: ReadonlySet<string>): boolean {
  return tasks.some(({ outputs }) => [...outputs.keys()].some((key) => keys.has(`metadata.${key}`)));
}

function isSetOnTheWay(states: Input["states"], name: string, keys: ReadonlySet<string>): boolean {
  const entries = [...states.values()].flatMap(({ on }) => [...(on?.values() ?? [])].flatMap((each) => each.entries));
  return entries.some(({ advance, set }) => {
    return advance?.target === name && [...set.keys()].some((key) => keys.has(`metadata.${key}`));
  });
}

/** Returns the states that are reached without a way through one that has the task. */
function findReachedWithout(states: Input["states"], task: string): ReadonlySet<string> {
  const reached = new Set([INIT]);
  // Iteration over a set includes items that are added meanwhile.
  for (const name of reached) {
    const state = states.get(name);
    if (state === undefined || state.tasks?.includes(task)) continue;
    for (const { advances } of state.on?.values() ?? []) for (const { target } of advances) reached.add(target);
  }
  return reached;
}
