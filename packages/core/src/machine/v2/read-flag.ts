import { type CompileContext, onValue } from "../document/compile-context.ts";
import { type Field, findField, type MapNode } from "../document/tree.ts";
import { describe } from "../document/wording.ts";

/** What a flag is where it is not written, and the code of anything but true and false. */
export interface FlagRule {
  readonly key: string;
  readonly absent: boolean;
  readonly code: string;
}

/** A key that is true or false; undefined, with a problem, when it holds anything else. */
export function readFlag(
  { problems }: CompileContext,
  map: Field<MapNode>,
  { key, absent, code }: FlagRule,
): boolean | undefined {
  const field = findField(map, key);
  if (field === undefined) return absent;
  const value = field.node.kind === "scalar" ? field.node.value : undefined;
  if (typeof value === "boolean") return value;
  const hint = value === "true" || value === "false" ? ` Write ${value} without quotes.` : "";
  problems.error(code, onValue(field), `${key} must be true or false, but it is ${describe(field.node)}.${hint}`);
  return undefined;
}
