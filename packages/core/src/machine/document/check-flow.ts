import { INIT, NEXT } from "../machine.ts";
import { type CompileContext, onKey } from "./compile-context.ts";
import type { AdvanceDraft } from "./read-advance.ts";
import type { Field } from "./tree.ts";
import { quote } from "./wording.ts";

/** What is looked at of a state; undefined parts are faulty, and nothing is said about them. */
export interface FlowState {
  readonly field: Field;
  readonly terminal?: boolean;
  readonly tasks?: readonly string[];
  readonly on?: ReadonlyMap<string, FlowHandler>;
}

/** What is looked at of a handler. */
export interface FlowHandler {
  readonly field: Field;
  readonly advances: readonly AdvanceDraft[];
}

/** The states of a document by name, and the field that holds them. */
export interface FlowInput {
  readonly states: ReadonlyMap<string, FlowState>;
  readonly statesField: Field;
}

/** Warnings about what is allowed but hardly meant: dead ends, states that nothing enters, `NEXT` that never comes. */
export function checkFlow(context: CompileContext, { states, statesField }: FlowInput): void {
  if ([...states.values()].every(({ terminal }) => terminal === false)) {
    const message = "No state is terminal, so stacks of this machine are never removed.";
    context.problems.warn("no-terminal-state", onKey(statesField), message);
  }
  for (const [name, state] of states) checkNext(context, name, state);
  if (states.has(INIT)) warnUnreachable(context, states);
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
  const reached = new Set([INIT]);
  // A set that grows while it is walked is walked to its new end.
  for (const name of reached) for (const target of toTargets(states.get(name))) reached.add(target);
  for (const [name, { field }] of states) {
    if (reached.has(name)) continue;
    problems.warn("unreachable-state", onKey(field), `No way leads from INIT to the state ${quote(name)}.`);
  }
}

function toTargets(state: FlowState | undefined): readonly string[] {
  const handlers = [...(state?.on?.values() ?? [])];
  return handlers.flatMap(({ advances }) => advances.flatMap(({ meant }) => meant ?? []));
}
