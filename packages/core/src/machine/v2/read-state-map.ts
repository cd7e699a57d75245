import { type CompileContext, onKey, onMissing, onValue, suggestFrom } from "../document/compile-context.ts";
import { type Field, findField, isMapField, isNull, type MapNode, toFields } from "../document/tree.ts";
import { describe, quote } from "../document/wording.ts";
import { INIT } from "../machine.ts";
import { explainName, isName } from "./names.ts";

/** The field that holds the states; undefined, with `states-required`, when there is none. */
export function findStates({ problems }: CompileContext, root: Field<MapNode>): Field | undefined {
  const field = findField(root, "states");
  if (field && !isNull(field)) return field;
  const message = "states is missing: a map of the machine's states, with INIT.";
  problems.error("states-required", field ? onValue(field) : onMissing(root, "states"), message);
  return undefined;
}

/** The states by name; undefined, with `states-required`, when the field holds anything else. */
export function readStateMap(context: CompileContext, states: Field): ReadonlyMap<string, Field> | undefined {
  const { problems, limits } = context;
  if (!isMapField(states)) {
    const message = `states must be a map of states, but it is ${describe(states.node)}.`;
    problems.error("states-required", onValue(states), message);
    return undefined;
  }
  const fields = toFields(states);
  if (!fields.has(INIT)) {
    const message = `The state INIT is missing: every stack begins in it.${suggestFrom(INIT, fields.keys())}`;
    problems.error("init-required", onKey(states), message);
  }
  if (fields.size > limits.maxStates) {
    const message = `The machine has ${fields.size} states; ${limits.maxStates} are allowed.`;
    problems.error("limit-exceeded", onKey(states), message);
  }
  for (const [name, field] of fields) {
    if (isName(name)) continue;
    problems.error("state-name-pattern", onKey(field), `${quote(name)} is no name of a state. ${explainName(name)}`);
  }
  return fields;
}
