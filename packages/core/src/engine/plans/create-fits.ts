import { StackyardError } from "../../errors/stackyard-error.ts";
import { toScope } from "../../machine/decide/to-scope.ts";
import { compileCel } from "../../machine/expression/compile-expression.ts";
import type { Cel } from "../../machine/expression/expression.ts";
import type { Machine } from "../../machine/machine.ts";
import type { Stack } from "../../machine/stack.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Planner } from "./planner.ts";

/** The dependencies of expressions over stacks. */
export interface FitsDeps {
  readonly planner: Pick<Planner, "findRevision">;
  readonly clock: Clock;
}

/**
 * Returns a function that decides whether a stack fits an expression over `stack` and `metadata`; without one all fit.
 * Throws `USAGE` for an expression with errors, and for a stack of which it is not known whether it fits.
 */
export function createFits(
  { planner, clock }: FitsDeps,
  where: string | undefined,
): (stack: Stack) => Promise<boolean> {
  if (where === undefined) return async () => true;
  const cel = compileWhere(where);
  const machines = new Map<string, Machine | undefined>();
  return async (stack) => {
    const { machineHash: hash } = stack;
    if (!machines.has(hash)) machines.set(hash, await planner.findRevision(hash));
    const machine = machines.get(hash);
    if (machine === undefined) throw notEvaluated(where, stack, `its revision ${hash.slice(0, 12)} is lost`);
    const { stack: facts, metadata } = toScope({ machine, stack, at: clock.now() });
    const instants = { createdAt: new Date(facts.createdAt), enteredAt: new Date(facts.enteredAt) };
    const result = cel.evaluate({ stack: { ...facts, ...instants }, metadata });
    if (result.kind === "value" && typeof result.value === "boolean") return result.value;
    throw notEvaluated(where, stack, result.kind === "error" ? result.reason : "the result is not true or false");
  };
}

function compileWhere(where: string): Cel {
  const compiled = compileCel(where, ["stack", "metadata"]);
  if (compiled.kind === "cel") return compiled.cel;
  throw new StackyardError("USAGE", `"where" has errors: ${compiled.faults.map(({ message }) => message).join(" ")}`);
}

/**
 * A stack of which it is not known whether it fits is an error: it would be left out without a word. Readers of the text may
 * not be readers of the stack, so it has no name here.
 */
function notEvaluated(where: string, { machine }: Stack, why: string): StackyardError {
  return new StackyardError("USAGE", `"where" (${where}) cannot be evaluated for a stack of "${machine}": ${why}.`);
}
