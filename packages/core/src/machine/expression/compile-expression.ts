import { type CelProgram, parseCel } from "./cel-engine.ts";
import { toBoundedName } from "./cel-functions.ts";
import { fromCelValue, toCelScope } from "./cel-values.ts";
import { checkNames, tooLong, toSyntaxFault } from "./check-names.ts";
import { toReason } from "./evaluation-reason.ts";
import type { Evaluated, Expression, ExpressionFault, ExpressionPlace } from "./expression.ts";
import { createMeter } from "./meter.ts";
import { walkTree } from "./tree-walk.ts";

/** An expression that may be evaluated, or what is wrong with it. */
type CompiledExpression =
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

/** A program whose names were checked, or what is wrong with its source. */
type CheckedProgram =
  | { readonly kind: "program"; readonly program: CelProgram }
  | { readonly kind: "faults"; readonly faults: readonly ExpressionFault[] };

/**
 * Parses, checks names, and binds calls to the bounded functions. `placeOf` says where a parsed expression stands, because
 * a whole placeholder may name what others may not. Never throws.
 */
export function compileProgram(source: string, placeOf: (program: CelProgram) => ExpressionPlace): CheckedProgram {
  const long = tooLong(source);
  if (long) return { kind: "faults", faults: [long] };
  try {
    const program = parseCel(source);
    const faults = checkNames(program.tree, source, placeOf(program));
    if (faults.length > 0) return { kind: "faults", faults };
    bindCalls(program);
    return { kind: "program", program };
  } catch (error) {
    return { kind: "faults", faults: [toSyntaxFault(error, source)] };
  }
}

function bindCalls({ tree }: CelProgram): void {
  walkTree(tree, {
    reference: () => undefined,
    mapKey: () => undefined,
    call({ name, method, args, at }) {
      if (at.op === "call" || at.op === "rcall") at.args[0] = toBoundedName(name, { method, args });
    },
  });
}
