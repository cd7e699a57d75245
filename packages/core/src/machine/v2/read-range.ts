import { type CompileContext, onKey, onValue } from "../document/compile-context.ts";
import { type Field, findField, isNumberOfJson, type MapNode } from "../document/tree.ts";
import { describe } from "../document/wording.ts";
import type { MetadataRule } from "../machine.ts";

/** `minimum` and `maximum` of a metadata key, both inclusive. */
export function readRange(
  context: CompileContext,
  rule: Field<MapNode>,
  type: MetadataRule["type"],
): Pick<MetadataRule, "minimum" | "maximum"> {
  const minimum = readBound(context, findField(rule, "minimum"), type);
  const maximum = readBound(context, findField(rule, "maximum"), type);
  if (minimum && maximum && minimum.value > maximum.value) {
    const message = `No number is at least ${minimum.value} and at most ${maximum.value}.`;
    context.problems.error("range-empty", onValue(maximum.field), message);
  }
  return { ...(minimum && { minimum: minimum.value }), ...(maximum && { maximum: maximum.value }) };
}

interface Bound {
  readonly field: Field;
  readonly value: number;
}

function readBound(
  { problems }: CompileContext,
  field: Field | undefined,
  type: MetadataRule["type"],
): Bound | undefined {
  if (field === undefined) return undefined;
  const name = field.path.at(-1);
  const value = field.node.kind === "scalar" ? field.node.value : undefined;
  if (type !== undefined && type !== "number") {
    const message = `${name} is for numbers, and this key is a ${type}.`;
    problems.error("constraint-not-applicable", onKey(field), message);
  } else if (isNumberOfJson(value)) {
    return { field, value };
  } else {
    problems.error(
      "constraint-not-applicable",
      onValue(field),
      `${name} must be a number, but it is ${describe(field.node)}.`,
    );
  }
  return undefined;
}
