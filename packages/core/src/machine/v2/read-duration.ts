import { type CompileContext, onValue } from "../document/compile-context.ts";
import { parseDuration } from "../document/duration.ts";
import { type Field, findField, findText, type MapNode } from "../document/tree.ts";
import { describe } from "../document/wording.ts";

/** Milliseconds of a key that holds a duration; undefined when it is absent or, with `duration-invalid`, none. */
export function readDuration({ problems }: CompileContext, map: Field<MapNode>, key: string): number | undefined {
  const field = findField(map, key);
  if (field === undefined) return undefined;
  const ms = parseDuration(findText(field) ?? "");
  if (ms === undefined) problems.error("duration-invalid", onValue(field), `${key} ${explain(field)}`);
  return ms;
}

function explain(field: Field): string {
  const rule = "must be a whole number above zero with one unit, ms, s, m, h or d, such as 10m";
  const value = field.node.kind === "scalar" ? field.node.value : undefined;
  const hint =
    typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? ` Write ${value}s for seconds.` : "";
  return `${rule}, but it is ${describe(field.node)}.${hint}`;
}
