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

/**
 * Checks which approvals states name, and warns of states that run by one and do not name it, and of approvals that do not
 * name all that is done by them.
 */
export function checkApproved(context: V2Context, input: Input): void {
  const tasks = new Map(input.tasks.map((task) => [task.name, task]));
  for (const [name, state] of input.states) {
    for (const item of state.approved) checkItem(context, item, { name, state, tasks });
  }
  // References can be read only where all expressions could be.
  if (context.problems.hasErrors()) return;
  warnUnnamed(context, input, tasks);
  warnUncovered(context, input, tasks);
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
  if (task.executor !== APPROVAL) return `${gate} is not an approval, so it cannot approve what ${quote(name)} does.`;
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

/**
 * Warns of tasks that run by an approval and read what that does not name, where events may change it: the approved plan
 * would be applied elsewhere. A sensitive value cannot be named.
 */
function warnUncovered({ problems }: V2Context, input: Input, tasks: Place["tasks"]): void {
  for (const { gate, keys } of listGates(tasks)) {
    for (const task of listBound(input.states, tasks, gate)) {
      const reads = [...listReads(task, input.targets)].filter(
        (each) => isKey(each) && !haveCommon(new Set([each]), keys),
      );
      const open = reads.map(toKey).filter((key) => mayChange(input.rules.get(key)));
      if (open.length === 0 || task.config === undefined) continue;
      const message = `${quote(task.name)} reads ${listNames(open)}, which an event may change after ${quote(gate)} was approved. Read it in \`of\`, too, or make it \`immutable\` or \`readOnly\`.`;
      problems.warn("approved-uncovered", onKey(task.config.config), message);
    }
  }
}

const isKey = (reference: string) => reference.startsWith("metadata.");
const toKey = (reference: string) => reference.slice("metadata.".length);

function mayChange(rule: MetadataRule | undefined): boolean {
  return !(rule?.readOnly || rule?.immutable || rule?.sensitive);
}

/** Lists the tasks that run by an approval: those that need it, directly or not, and those of states that name it. */
function listBound(states: Input["states"], tasks: Place["tasks"], gate: string): readonly TaskDraft[] {
  const bound = new Set<string>();
  for (const { approved, tasks: own = [] } of states.values()) {
    if (approved.some(({ text }) => text === gate)) for (const name of own) bound.add(name);
  }
  const needing = new Set([gate]);
  // Iteration over a set includes items that are added meanwhile.
  for (const name of needing) for (const task of tasks.values()) if (task.needs.includes(name)) needing.add(task.name);
  return [...tasks.values()].filter(({ name, executor }) => {
    return executor !== APPROVAL && (bound.has(name) || needing.has(name));
  });
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

/** Returns what to write; undefined for a state that also means itself, or where only the machine writes what it reads. */
function findAdvice(
  { states, rules }: Input,
  { name, gate, keys, free }: Gate & { readonly name: string; readonly free: ReadonlySet<string> },
): string | undefined {
  const line = `\`approved: [${gate}]\``;
  if (!free.has(name)) return `Write ${line} in ${quote(name)}.`;
  const follows = [...states.values()].some(({ tasks, on }) => {
    return tasks?.includes(gate) && on?.get(NEXT)?.advances.some(({ target }) => target === name);
  });
  if (!follows || ![...keys].some((key) => mayChange(rules.get(toKey(key))))) return undefined;
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
