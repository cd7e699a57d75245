import { type CompileContext, onValue } from "../document/compile-context.ts";
import { type Field, findField, findText, type MapNode } from "../document/tree.ts";
import { describe } from "../document/wording.ts";

/** Checks the `description` of whatever a map is; nothing else looks at it. */
export function checkDescription({ problems }: CompileContext, map: Field<MapNode>): void {
  const field = findField(map, "description");
  if (field === undefined || findText(field) !== undefined) return;
  const message = `description must be a text, but it is ${describe(field.node)}.`;
  problems.error("description-not-string", onValue(field), message);
}
