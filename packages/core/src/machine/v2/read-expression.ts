import { onValue } from "../document/compile-context.ts";
import { type Field, findText } from "../document/tree.ts";
import { describe } from "../document/wording.ts";
import { compileExpression } from "../expression/compile-expression.ts";
import type { Expression } from "../expression/expression.ts";
import type { ExpressionPlace } from "../expression/expression-place.ts";
import { spendExpression, type V2Context } from "./v2-context.ts";

/** Where an expression stands, and the code of what is no text. */
export interface ExpressionRule {
  readonly code: string;
  readonly place: ExpressionPlace;
}

/** A text that is an expression as a whole; undefined, with problems, when it is faulty. */
export function readExpression(
  context: V2Context,
  field: Field,
  { code, place }: ExpressionRule,
): Expression | undefined {
  const { problems } = context;
  const source = findText(field);
  if (source === undefined) {
    const message = `${field.path.at(-1)} must be a text that holds an expression, but it is ${describe(field.node)}. Put it in quotes.`;
    problems.error(code, onValue(field), message);
    return undefined;
  }
  if (!spendExpression(context, field, source)) return undefined;
  const compiled = compileExpression(source, place);
  if (compiled.kind === "expression") return compiled.expression;
  for (const fault of compiled.faults) problems.error(fault.code, onValue(field), fault.message);
  return undefined;
}
