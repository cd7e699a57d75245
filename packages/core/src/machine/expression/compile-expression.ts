import { compileProgram } from "./compile-program.ts";
import { toReason } from "./evaluation-reason.ts";
import type { Evaluated, Expression } from "./expression.ts";
import type { ExpressionFault, ExpressionPlace } from "./expression-place.ts";
import { fromCelValue } from "./from-cel-value.ts";
import { createMeter } from "./meter.ts";
import { toCelScope } from "./to-cel-scope.ts";

/** An expression that may be evaluated, or what is wrong with it. */
export type CompiledExpression =
  | { readonly kind: "expression"; readonly expression: Expression }
  | { readonly kind: "faults"; readonly faults: readonly ExpressionFault[] };

/**
 * Compiles a string that is CEL as a whole, as in `when` and `exclusive`: its syntax and its names are checked, its types
 * only when it is evaluated. Offsets of faults count from the start of the string. Never throws.
 */
export function compileExpression(source: string, place: ExpressionPlace): CompiledExpression {
  const checked = compileProgram(source, () => place);
  if (checked.kind === "faults") return checked;
  const { program } = checked;
  const expression: Expression = {
    source,
    evaluate(scope): Evaluated {
      try {
        return { kind: "value", value: fromCelValue(program.run(toCelScope(scope, place), createMeter())) };
      } catch (error) {
        return { kind: "error", reason: toReason(error, source) };
      }
    },
  };
  return { kind: "expression", expression };
}
