import { type CompileContext, onMissing, onValue } from "../document/compile-context.ts";
import { type Field, findField, isNull, type MapNode } from "../document/tree.ts";

/** The field that holds the states; undefined, with `states-required`, when there is none. */
export function findStates({ problems }: CompileContext, root: Field<MapNode>): Field | undefined {
  const field = findField(root, "states");
  if (field && !isNull(field)) return field;
  const message = "states is missing: a map of the machine's states, with INIT.";
  problems.error("states-required", field ? onValue(field) : onMissing(root, "states"), message);
  return undefined;
}
