import { INIT } from "../machine.ts";
import { type CompileContext, onKey, onValue, suggestFrom } from "./compile-context.ts";
import { type Field, isMapField, toFields } from "./tree.ts";
import { describe, quote } from "./wording.ts";

/** What states may be called in a version. */
export interface NameRule {
  isName(name: string): boolean;
  /** What is wrong with a name that `isName` refuses. */
  explainName(name: string): string;
}

/** The states by name; undefined, with `states-required`, when the field holds anything else. */
export function readStateMap(
  { problems, limits }: CompileContext,
  states: Field,
  { isName, explainName }: NameRule,
): ReadonlyMap<string, Field> | undefined {
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
    problems.error("state-name-pattern", onKey(field), `${quote(name)} is no state name. ${explainName(name)}`);
  }
  return fields;
}
