import { type CompileContext, onValue } from "../document/compile-context.ts";
import type { MetadataRule } from "../machine.ts";
import type { MetadataValue } from "../stack.ts";
import { type Field, findField, type MapNode } from "../tree.ts";
import { describe } from "../wording.ts";
import { findScalar } from "./read-enum.ts";

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
  const fault = findMisfit(value, rule);
  if (fault === undefined) return { default: value };
  // The value of a sensitive key is not for messages.
  const shown = rule.sensitive ? "The default" : `The default, ${describe(found.node)},`;
  problems.error("default-invalid", onValue(found), `${shown} ${fault}.`);
  return {};
}

function findMisfit(value: MetadataValue, rule: MetadataRule): string | undefined {
  if (value === null) return rule.required ? "is not allowed for a required key" : undefined;
  if (rule.type !== undefined && typeof value !== rule.type) return `is no ${rule.type}`;
  if (rule.enum && !rule.enum.includes(value)) return "is not among the values of enum";
  if (typeof value === "string" && rule.pattern && !rule.pattern.test(value)) return "does not match the pattern";
  return typeof value === "number" ? findOutOfRange(value, rule) : undefined;
}

function findOutOfRange(value: number, { minimum, maximum }: MetadataRule): string | undefined {
  if (minimum !== undefined && value < minimum) return `is below the minimum, ${minimum}`;
  return maximum !== undefined && value > maximum ? `is above the maximum, ${maximum}` : undefined;
}
