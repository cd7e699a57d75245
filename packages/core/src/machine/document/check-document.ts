import { defined } from "../json.ts";
import { INIT, NEXT } from "../machine.ts";
import {
  type CompileContext,
  type DocumentVersion,
  onKey,
  onMissing,
  onValue,
  suggestFrom,
} from "./compile-context.ts";
import { type Field, findField, findText, isListField, isMapField, type MapNode, toFields, toItems } from "./tree.ts";
import { describe, findNearestName, quote, suggest } from "./wording.ts";

/**
 * Checks that the document names the version that it is compiled as: the number in any spelling; of version 1 also the
 * text "1", with a warning.
 */
export function checkVersion({ problems }: CompileContext, root: Field<MapNode>, compiled: DocumentVersion): void {
  const version = findField(root, "version");
  if (version === undefined) {
    const message = 'version is missing: write "version: 1" or "version: 2".';
    problems.error("version-unsupported", onMissing(root, "version"), message);
    return;
  }
  const value = version.node.kind === "scalar" ? version.node.value : undefined;
  if (value === compiled) return;
  if (value === "1") {
    const message = 'version is the text "1"; write the number 1, without quotes.';
    problems.warn("version-coerced", onValue(version), message);
    return;
  }
  const message =
    value === "2"
      ? 'version is the text "2"; write the number 2, without quotes.'
      : `version is ${describe(version.node)}, which is not supported; write "version: 1" or "version: 2".`;
  problems.error("version-unsupported", onValue(version), message);
}

/** The end of a message about keys of version 2 in a document of version 1. */
export const ADVICE_TO_UPGRADE =
  ' Version 2 has it: write "version: 2", or let "stackyard machines upgrade FILE" rewrite this document.';

/** Returns the states by name; undefined when they could not be read. */
export function readStateMap(
  { problems, limits }: CompileContext,
  states: Field | undefined,
): ReadonlyMap<string, Field> | undefined {
  if (states === undefined || !isMapField(states)) return undefined;
  const fields = toFields(states);
  if (!fields.has(INIT)) {
    const message = `The state INIT is missing: every stack begins in it.${suggestFrom(INIT, fields.keys())}`;
    problems.error("init-required", onKey(states), message);
  }
  if (fields.size > limits.maxStates) {
    const message = `The machine has ${fields.size} states; ${limits.maxStates} are allowed.`;
    problems.error("limit-exceeded", onKey(states), message);
  }
  return fields;
}

/** Returns the tasks by name, an empty map when they are missing; undefined when they could not be read. */
export function readTaskMap(
  { problems, limits }: CompileContext,
  tasks: Field | undefined,
): ReadonlyMap<string, Field> | undefined {
  if (tasks && !isMapField(tasks)) return undefined;
  const fields = toFields(tasks);
  if (tasks && fields.size > limits.maxTasks) {
    const message = `The machine has ${fields.size} tasks; ${limits.maxTasks} are allowed.`;
    problems.error("limit-exceeded", onKey(tasks), message);
  }
  return fields;
}

/** A state as far as it could be read; undefined parts are faulty, and cause no further reports. */
export interface FlowState {
  readonly field: Field;
  readonly terminal?: boolean;
  /** Each name once, unknown ones included. */
  readonly tasks?: readonly string[];
  readonly on?: ReadonlyMap<string, FlowHandler>;
}

/** The parts of a handler that the checks use. */
export interface FlowHandler {
  readonly field: Field;
  readonly advances: readonly AdvanceDraft[];
  /** True: each of its entries has a condition, so that it may do nothing. */
  readonly isConditional?: boolean;
}

/** The states of a document by name, and the field that contains them. */
interface FlowInput {
  readonly states: ReadonlyMap<string, FlowState>;
  readonly statesField: Field;
}

/**
 * Warns of allowed but probably unintended parts: dead ends, states that are never entered, `NEXT` that never comes.
 */
export function checkFlow(context: CompileContext, { states, statesField }: FlowInput): void {
  if ([...states.values()].every(({ terminal }) => terminal === false)) {
    const message = "No state is terminal, so stacks of this machine are never removed.";
    context.problems.warn("no-terminal-state", onKey(statesField), message);
  }
  for (const [name, state] of states) checkNext(context, name, state);
  warnEndless(context, states);
  if (states.has(INIT)) warnUnreachable(context, states);
}

/** Warns of states that lead to each other by the results of their tasks forever: nothing leads out of them, or waits. */
function warnEndless({ problems }: CompileContext, states: ReadonlyMap<string, FlowState>): void {
  const warned = new Set<string>();
  for (const [name, state] of states) {
    if (warned.has(name) || !goesOn(state)) continue;
    const loop = findReached(states, toTargets(state));
    // A state that leads to itself alone has a warning of its own.
    if (loop.size < 2 || !loop.has(name) || ![...loop].every((each) => goesOn(states.get(each)))) continue;
    for (const each of loop) warned.add(each);
    const names = [...loop].sort().map(quote).join(", ");
    const message = `The states ${names} lead to each other with each NEXT, and nothing leads out of them. Let an event or a condition end the loop.`;
    problems.warn("endless-loop", onKey(state.field), message);
  }
}

/** Returns true for a state that is left as soon as its tasks have succeeded. */
function goesOn(state: FlowState | undefined): boolean {
  const next = state?.on?.get(NEXT);
  if (next === undefined || next.advances.length === 0 || next.isConditional === true) return false;
  return state?.terminal === false && state.tasks !== undefined && state.tasks.length > 0;
}

function findReached(states: ReadonlyMap<string, FlowState>, from: Iterable<string>): ReadonlySet<string> {
  const reached = new Set(from);
  // A set that grows during the iteration is iterated to its new end.
  for (const name of reached) for (const target of toTargets(states.get(name))) reached.add(target);
  return reached;
}

function checkNext({ problems }: CompileContext, name: string, state: FlowState): void {
  const next = state.on?.get(NEXT);
  if (next && state.terminal) {
    const message = `NEXT never fires in ${name}: a terminal state ends the stack.`;
    problems.warn("next-never-fires", onKey(next.field), message);
  } else if (next && state.tasks?.length === 0) {
    problems.warn("next-never-fires", onKey(next.field), `NEXT never fires in ${name}: the state has no tasks.`);
  } else if (!next && needsNext(name, state)) {
    const message = `${name} has tasks but does not handle NEXT, so the stack stays here when they are done.`;
    problems.warn("missing-next-handler", onKey(state.field), message);
  }
}

// Tasks of INIT are not created with the stack, so a first round through it never waits for them.
function needsNext(name: string, { terminal, tasks = [], on }: FlowState): boolean {
  return name !== INIT && terminal === false && tasks.length > 0 && on !== undefined;
}

function warnUnreachable({ problems }: CompileContext, states: ReadonlyMap<string, FlowState>): void {
  const reached = findReached(states, [INIT]);
  for (const [name, { field }] of states) {
    if (reached.has(name)) continue;
    problems.warn("unreachable-state", onKey(field), `No way leads from INIT to the state ${quote(name)}.`);
  }
}

function toTargets(state: FlowState | undefined): readonly string[] {
  const handlers = [...(state?.on?.values() ?? [])];
  return handlers.flatMap(({ advances }) => advances.flatMap(({ meant }) => meant ?? []));
}

/**
 * Names that the states use. A misspelt name counts as a use of the nearest known one, so that a slip of the pen is one
 * problem and not also an unused task or an unreachable state.
 */
interface References {
  /** Notes the use; true when the name is known. */
  use(name: string): boolean;
  isUsed(name: string): boolean;
  /** Returns the name that counts as used; undefined when no name is near. */
  resolve(name: string): string | undefined;
}

/** The names that states refer to. */
export interface StateReferences {
  readonly events: References;
  readonly tasks: References;
  readonly states: References;
}

// A document with more unknown names does not contain them by mistake.
const MAX_GUESSES = 200;

/** Uses of a set of known names; of anything when the set could not be read. */
function createReferences(known: Pick<ReadonlySet<string>, "has" | "keys"> | undefined): References {
  const used = new Set<string>();
  const nearest = new Map<string, string | undefined>();

  function resolve(name: string): string | undefined {
    if (known === undefined || known.has(name)) return name;
    if (!nearest.has(name) && nearest.size < MAX_GUESSES) nearest.set(name, findNearestName(name, known.keys()));
    return nearest.get(name);
  }

  return {
    use(name) {
      const meant = resolve(name);
      if (meant !== undefined) used.add(meant);
      return meant === name;
    },
    isUsed: (name) => used.has(name),
    resolve,
  };
}

/** One `advance`; `meant` is the known state that it names or almost names. */
export interface AdvanceDraft {
  readonly target: string;
  readonly meant?: string;
  readonly field: Field;
}

/** Reads the state that a value names; undefined, with `advance-state-undefined`, when it cannot be a name at all. */
export function readTarget(context: CompileContext, state: Field, states: References): AdvanceDraft | undefined {
  const target = findText(state);
  if (target === undefined) return refuseTarget(context, state, states);
  const meant = states.resolve(target);
  if (meant !== target) {
    const message = `Unknown state ${quote(target)}.${suggest(meant)}`;
    context.problems.error("advance-state-undefined", onValue(state), message);
  }
  return defined({ target, field: state, meant });
}

function refuseTarget({ problems }: CompileContext, state: Field, states: References): AdvanceDraft | undefined {
  const text = state.node.kind === "scalar" ? (state.node.plain ?? String(state.node.value)) : undefined;
  const meant = text === undefined ? undefined : states.resolve(text);
  const hint = text !== undefined && meant === text ? ` Write it in quotes: ${quote(text)}.` : "";
  const message = `state must be the name of a state, but it is ${describe(state.node)}.${hint}`;
  problems.error("advance-state-undefined", onValue(state), message);
  return text === undefined ? undefined : defined({ target: text, field: state, meant });
}

/** Warns of events that lead from a state to itself, once an event. */
export function warnSelfAdvance(
  { problems }: CompileContext,
  name: string,
  on: ReadonlyMap<string, FlowHandler> = new Map(),
): void {
  for (const [event, { advances }] of on) {
    const self = advances.find(({ target }) => target === name);
    if (!self) continue;
    const message = `${event} leads from ${quote(name)} to itself: its tasks start again.`;
    problems.warn("self-advance", onValue(self.field), message);
  }
}

/** The declarations of a document, by name; undefined when they could not be read. */
export interface Declared {
  readonly events: ReadonlyMap<string, Field> | undefined;
  readonly tasks: ReadonlyMap<string, Field> | undefined;
}

/** The names that its states use. */
interface Used {
  readonly events: References;
  readonly tasks: References;
}

/** Warns of events that no state handles and tasks that no state runs. */
export function warnUnused({ problems }: CompileContext, declared: Declared, used: Used): void {
  for (const [name, field] of declared.events ?? []) {
    if (used.events.isUsed(name)) continue;
    problems.warn("unused-event", onKey(field), `No state handles the event ${quote(name)}.`);
  }
  for (const [name, field] of declared.tasks ?? []) {
    if (used.tasks.isUsed(name)) continue;
    problems.warn("unused-task", onKey(field), `No state runs the task ${quote(name)}.`);
  }
}

/** Creates the references that the states of a document may use; undefined parts could not be read. */
export function createStateReferences(
  known: Readonly<Record<"events" | "tasks", ReadonlyMap<string, unknown> | undefined>> & {
    readonly states: ReadonlyMap<string, unknown>;
  },
  ofEngine: readonly string[],
): StateReferences {
  return {
    events: createReferences(known.events && new Set([...known.events.keys(), ...ofEngine])),
    tasks: createReferences(known.tasks),
    // A missing INIT is reported once, and not again wherever a state leads to it.
    states: createReferences(new Set([INIT, ...known.states.keys()])),
  };
}

/** Returns the names of a state's tasks, each once, unknown ones included; undefined when they cannot be read. */
export function readStateTasks(
  { problems, limits, version }: CompileContext,
  state: Field,
  known: References,
): readonly string[] | undefined {
  const field = findField(state, "tasks");
  if (field && !isListField(field)) return undefined;
  const items = toItems(field);
  if (field && version === 2 && items.length > limits.maxStateTasks) {
    const message = `The state has ${items.length} tasks; ${limits.maxStateTasks} are allowed.`;
    problems.error("limit-exceeded", onKey(field), message);
  }
  const names = new Set<string>();
  for (const item of items) {
    const name = findText(item);
    if (name === undefined) continue;
    if (names.has(name)) reportRepeated({ problems, version }, item, name);
    else if (!known.use(name)) {
      const message = `Unknown task ${quote(name)}.${suggest(known.resolve(name))}`;
      problems.error("state-task-undefined", onValue(item), message);
    }
    names.add(name);
  }
  return [...names];
}

function reportRepeated(
  { problems, version }: Pick<CompileContext, "problems" | "version">,
  item: Field,
  name: string,
) {
  const message = `The task ${quote(name)} is listed twice in this state`;
  if (version === 1) problems.warn("duplicate-state-task", onValue(item), `${message}; it runs once.`);
  else problems.error("state-task-duplicate", onValue(item), `${message}. Remove one of them.`);
}
