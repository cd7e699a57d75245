import { type CelProgram, parseCel } from "./cel-engine.ts";
import { toBoundedName } from "./cel-functions.ts";
import { checkNames } from "./check-names.ts";
import type { ExpressionFault, ExpressionPlace } from "./expression-place.ts";
import { tooLong, toSyntaxFault } from "./syntax-fault.ts";
import { walkTree } from "./tree-walk.ts";

/** A program whose names were checked, or what is wrong with its source. */
export type CheckedProgram =
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
