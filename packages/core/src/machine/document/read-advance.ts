import { type CompileContext, onMissing, onValue, suggestOrList } from "./compile-context.ts";
import type { References } from "./references.ts";
import { type Field, findField, findText, isNull, type MapNode } from "./tree.ts";
import { describe, quote, suggest } from "./wording.ts";

/** One `advance`; `meant` is the known state that it names or almost names. */
export interface AdvanceDraft {
  readonly target: string;
  readonly meant?: string;
  readonly field: Field;
}

/** The state that an entry with `action: advance` names; undefined, with a problem, when it names none. */
export function readAdvance(
  context: CompileContext,
  item: Field<MapNode>,
  states: References,
): AdvanceDraft | undefined {
  const state = findField(item, "state");
  if (state === undefined || isNull(state)) {
    const message = "advance needs state: the name of the state to enter.";
    context.problems.error("advance-state-required", state ? onValue(state) : onMissing(item, "state"), message);
    return undefined;
  }
  return readTarget(context, state, states);
}

/** The state that a value names; undefined, with `advance-state-undefined`, when it cannot be a name at all. */
export function readTarget(context: CompileContext, state: Field, states: References): AdvanceDraft | undefined {
  const target = findText(state);
  if (target === undefined) return refuseTarget(context, state, states);
  const meant = states.resolve(target);
  if (meant !== target) {
    const message = `There is no state ${quote(target)}.${suggest(meant)}`;
    context.problems.error("advance-state-undefined", onValue(state), message);
  }
  return { target, field: state, ...(meant !== undefined && { meant }) };
}

function refuseTarget({ problems }: CompileContext, state: Field, states: References): AdvanceDraft | undefined {
  const text = state.node.kind === "scalar" ? (state.node.plain ?? String(state.node.value)) : undefined;
  const meant = text === undefined ? undefined : states.resolve(text);
  const hint = text !== undefined && meant === text ? ` Write it in quotes: ${quote(text)}.` : "";
  const message = `state must be the name of a state, but it is ${describe(state.node)}.${hint}`;
  problems.error("advance-state-undefined", onValue(state), message);
  return text === undefined ? undefined : { target: text, field: state, ...(meant !== undefined && { meant }) };
}

/** Refuses an action that there is not. */
export function refuseAction({ problems }: CompileContext, action: Field): void {
  const name = findText(action);
  const near = name === undefined ? " Known: advance, no-op." : suggestOrList(name, ["advance", "no-op"]);
  problems.error("action-unknown", onValue(action), `The action ${describe(action.node)} is not known.${near}`);
}
