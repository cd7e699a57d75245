import { type CompileContext, onValue } from "../document/compile-context.ts";
import { type Field, findField, findScalar, isListField, type MapNode, toItems } from "../document/tree.ts";
import { describe } from "../document/wording.ts";
import type { MetadataRule } from "../machine.ts";
import type { MetadataValue } from "../stack.ts";

/** The `enum` of a metadata key: scalars of its type. */
export function readEnum(
  { problems }: CompileContext,
  rule: Field<MapNode>,
  type: MetadataRule["type"],
): Pick<MetadataRule, "enum"> {
  const field = findField(rule, "enum");
  if (field === undefined) return {};
  if (!isListField(field) || field.node.items.length === 0) {
    const what = isListField(field) ? "an empty list" : describe(field.node);
    problems.error(
      "enum-invalid",
      onValue(field),
      `enum must be a list of the values that are allowed, but it is ${what}.`,
    );
    return {};
  }
  const values = toItems(field).flatMap((item): readonly MetadataValue[] => {
    const value = findScalar(item);
    if (value !== undefined && value !== null && (type === undefined || typeof value === type)) return [value];
    const what = type === undefined ? "a text, number or boolean" : `a ${type}`;
    problems.error(
      "enum-invalid",
      onValue(item),
      `A value of this enum must be ${what}, but this is ${describe(item.node)}.`,
    );
    return [];
  });
  return values.length > 0 ? { enum: values } : {};
}
