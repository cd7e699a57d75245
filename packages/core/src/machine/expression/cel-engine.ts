import type { ASTNode } from "@marcbachmann/cel-js";
import { Environment } from "@marcbachmann/cel-js/evaluator";
import { registerFunctions } from "./cel-functions.ts";
import { CostError, EvaluationError } from "./evaluation-error.ts";
import { EXPRESSION_LIMITS } from "./expression-limits.ts";
import { createMeter, type Meter } from "./meter.ts";
import { createPatternSearch, type PatternSearch } from "./pattern-search.ts";

/** The values of the variables of an expression. */
export type CelScope = Readonly<Record<"stack" | "metadata" | "event" | "tasks" | "now", unknown>>;

/** A parsed expression. Its tree may be changed before the first run. */
export interface CelProgram {
  readonly tree: ASTNode;
  /** The value as the library gives it. Throws for every error, and when the meter is used up. */
  run(scope: CelScope, meter: Meter): unknown;
}

/** Parses with the library, its limits set; throws its error. */
export function parseCel(source: string): CelProgram {
  engine ??= createEngine();
  return engine(source);
}

type Engine = (source: string) => CelProgram;

// Built on first use: an import must do no work.
let engine: Engine | undefined;

function createEngine(): Engine {
  let meter = createMeter();
  let search: PatternSearch = createPatternSearch(meter);
  const environment = new Environment({
    homogeneousAggregateLiterals: false,
    limits: {
      maxAstNodes: EXPRESSION_LIMITS.maxNodes,
      maxDepth: EXPRESSION_LIMITS.maxDepth,
      maxListElements: EXPRESSION_LIMITS.maxEntries,
      maxMapEntries: EXPRESSION_LIMITS.maxEntries,
    },
  });
  for (const name of ["stack", "metadata", "event", "tasks"]) environment.registerVariable(name, "dyn");
  environment.registerVariable("now", "google.protobuf.Timestamp");
  registerFunctions(environment, { meter: () => meter, search: (text, pattern) => search(text, pattern) });
  meterEvaluator(environment, () => meter);

  return (source) => {
    const evaluate = environment.parse(source);
    const run = (scope: CelScope, ofRun: Meter): unknown => {
      meter = ofRun;
      search = createPatternSearch(ofRun);
      const value: unknown = evaluate(scope);
      checkKeys(evaluate.ast, value);
      ofRun.chargeValue(value);
      ofRun.chargeResult(value);
      return value;
    };
    return { tree: evaluate.ast, run };
  };
}

interface Evaluator {
  run(node: Node, context: unknown): unknown;
  tryEval(node: Node, context: unknown): unknown;
}

interface Node {
  readonly op: string;
  readonly args: unknown;
  evaluate(evaluator: Evaluator, node: Node, context: unknown): unknown;
}

/**
 * Lets every node that is evaluated charge the meter, for itself and for what it gives. The library bounds the syntax tree
 * only, and a small tree of nested macros may run for years. The evaluator is handed to macros, which is how we get it.
 */
function meterEvaluator(environment: Environment, meter: () => Meter): void {
  environment.registerFunction("meter_(ast): bool", () => ({
    typeCheck: (checker: { getType(name: string): unknown }) => checker.getType("bool"),
    evaluate: (evaluator: Evaluator) => addMeter(evaluator, meter),
  }));
  if (environment.evaluate("meter_(1)") !== true) throw new Error("The expression library cannot be metered.");
}

// What these give was counted where it was made. A macro that makes a list gives it as far as it is, in every round.
const PASSED_ON = new Set(["?:", "accuPush", "accuValue", "accuInc"]);

// Errors that `||` and macros swallow are slow to make.
const ERROR_STEPS = 50;

function addMeter(evaluator: Evaluator, meter: () => Meter): boolean {
  // What is selected from is not read as a whole, so `metadata.x` costs the same for small and large metadata.
  let selectedFrom = false;

  evaluator.run = (node, context) => {
    const free = selectedFrom;
    selectedFrom = isSelection(node);
    meter().charge(1);
    const value = node.evaluate(evaluator, node, context);
    checkKeys(node, value);
    if (!free && !PASSED_ON.has(node.op)) meter().chargeValue(value);
    return value;
  };
  evaluator.tryEval = (node, context) => {
    try {
      return evaluator.run(node, context);
    } catch (error) {
      if (error instanceof CostError) throw error;
      meter().charge(ERROR_STEPS);
      return error;
    }
  };
  return true;
}

// The library overwrites the first of two equal keys, and leaves `constructor` and its like out.
function checkKeys({ op, args }: Pick<Node, "op" | "args">, value: unknown): void {
  if (op !== "map" || !Array.isArray(args) || typeof value !== "object" || value === null) return;
  if (Object.keys(value).length < args.length)
    throw new EvaluationError("a key of a map is there twice, or is reserved");
}

function isSelection({ op, args }: Node): boolean {
  return op === "." || op === "[]" || (op === "call" && Array.isArray(args) && args[0] === "has");
}
