import { findMetadataFault } from "../decide/metadata.ts";
import { type CompileContext, onValue } from "../document/compile-context.ts";
import { type Field, findField, findScalar, type MapNode } from "../document/tree.ts";
import { describe } from "../document/wording.ts";
import type { MetadataRule } from "../machine.ts";

/** The `default` of a metadata key, which must fit the key's other rules. */
export function readDefault(
  { problems }: CompileContext,
  field: Field<MapNode>,
  rule: MetadataRule,
): Pick<MetadataRule, "default"> {
  const found = findField(field, "default");
  if (found === undefined) return {};
  const value = findScalar(found);
  if (value === undefined) {
    const message = `default must be a text, number, boolean or null, but it is ${describe(found.node)}.`;
    problems.error("default-invalid", onValue(found), message);
    return {};
  }
  const key = field.path.at(-1) ?? "";
  const rules = { keys: new Map([[key, rule]]), additional: false };
  const fault = findMetadataFault(rules, { next: { [key]: value }, keys: [key], present: {} });
  if (fault === undefined || fault.code === "PATTERN_NOT_LINEAR") return { default: value };
  problems.error("default-invalid", onValue(found), `The default does not fit the other rules. ${fault.reason}`);
  return {};
}
