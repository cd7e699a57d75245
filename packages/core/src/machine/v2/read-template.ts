import { onValue } from "../document/compile-context.ts";
import { findInside } from "../document/find-inside.ts";
import { type Field, toValue } from "../document/tree.ts";
import { compileTemplate } from "../expression/compile-template.ts";
import type { Template } from "../expression/expression.ts";
import type { ExpressionPlace } from "../expression/expression-place.ts";
import { spendTemplate, type V2Context } from "./v2-context.ts";

/** A value with `${…}` in its texts; undefined, with problems at the very texts, when one is faulty. */
export function readTemplate(context: V2Context, field: Field, place: ExpressionPlace): Template | undefined {
  if (!spendTemplate(context, field)) return undefined;
  const compiled = compileTemplate(toValue(field.node), place);
  if (compiled.kind === "template") return compiled.template;
  for (const fault of compiled.faults) {
    context.problems.error(fault.code, onValue(findInside(field, fault.path)), fault.message);
  }
  return undefined;
}
