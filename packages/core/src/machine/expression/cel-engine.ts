import type { ASTNode } from "@marcbachmann/cel-js";
import { Environment } from "@marcbachmann/cel-js/evaluator";
import { registerFunctions } from "./cel-functions.ts";
import { adaptOperators } from "./cel-operators.ts";
import { adaptTypes, inferType } from "./cel-types.ts";
import {
  CostError,
  createMeter,
  createPatternSearch,
  EXPRESSION_LIMITS,
  type Meter,
  type PatternSearch,
} from "./meter.ts";

/** The values of the variables of an expression, by name. */
export type CelScope = Readonly<Record<string, unknown>>;

/** A parsed expression. Its tree may be changed before the first run. */
export interface CelProgram {
  readonly tree: ASTNode;
  /**
   * Infers the types of the expression, as far as they do not depend on values. Returns the type of its result such as
   * `bool` or `dyn`; throws the library's error where no value would fit.
   */
  inferType(): string;
  /** Returns the library's value. Throws for every error, and when the meter is used up. */
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

/** The evaluator's state for the current run. */
interface CurrentRun {
  meter: Meter;
  search: PatternSearch;
  /** The value of the variable `metadata`. */
  metadata: unknown;
  /**
   * The context of the root, as its first operand gets it. The library evaluates the root itself, past `Evaluator.run`.
   */
  rootContext: unknown;
  /**
   * A value that is only selected from is not charged as a whole, so `metadata.x` costs the same for small and large
   * metadata.
   */
  selectsNext: boolean;
}

function createEngine(): Engine {
  const meter = createMeter();
  const current: CurrentRun = {
    meter,
    search: createPatternSearch(meter),
    metadata: undefined,
    rootContext: undefined,
    selectsNext: false,
  };
  const environment = new Environment({
    homogeneousAggregateLiterals: false,
    // Names are checked before the first run, by the place of the expression.
    unlistedVariablesAreDyn: true,
    limits: {
      maxAstNodes: EXPRESSION_LIMITS.maxNodes,
      maxDepth: EXPRESSION_LIMITS.maxDepth,
      maxListElements: EXPRESSION_LIMITS.maxEntries,
      maxMapEntries: EXPRESSION_LIMITS.maxEntries,
    },
  });
  environment.registerVariable("now", "google.protobuf.Timestamp");
  registerFunctions(environment, {
    meter: () => current.meter,
    search: (text, pattern) => current.search(text, pattern),
  });
  const evaluator = adaptEvaluator(environment, current);

  return (source) => {
    const evaluate = environment.parse(source);
    const run = (scope: CelScope, ofRun: Meter): unknown => {
      current.meter = ofRun;
      current.search = createPatternSearch(ofRun);
      current.metadata = scope["metadata"];
      current.rootContext = undefined;
      const found: unknown = evaluate(scope);
      const value = found === true && isNullKey(evaluator, evaluate.ast, current.rootContext, current) ? false : found;
      ofRun.chargeValue(value);
      ofRun.chargeResult(value);
      return value;
    };
    adaptTypes(evaluate.ast);
    adaptOperators(evaluate.ast, () => current.meter);
    return { tree: evaluate.ast, inferType: () => inferType(evaluate.check()), run };
  };
}

interface Evaluator {
  run(node: Node, context: unknown): unknown;
  tryEval(node: Node, context: unknown): unknown;
}

interface Operation {
  readonly op: string;
  readonly args: unknown;
}

interface Node extends Operation {
  evaluate(evaluator: Evaluator, node: Node, context: unknown): unknown;
}

/**
 * Makes every evaluated node charge the meter, for itself and for its result. The library bounds the syntax tree only,
 * and a small tree of nested macros may run for years. Macros receive the evaluator, which is how we get it.
 */
function adaptEvaluator(environment: Environment, current: CurrentRun): Evaluator {
  let adapted: Evaluator | undefined;
  environment.registerFunction("adapt_(ast): bool", () => ({
    typeCheck: (checker: { getType(name: string): unknown }) => checker.getType("bool"),
    evaluate: (evaluator: Evaluator) => {
      adapted = evaluator;
      adapt(evaluator, current);
      return true;
    },
  }));
  environment.evaluate("adapt_(1)");
  if (adapted === undefined) throw new Error("The expression library cannot be metered.");
  return adapted;
}

// The results of these were charged where they were created. A macro that builds a list returns the part built so far
// after every iteration.
const PASSED_ON = new Set(["?:", "accuPush", "accuValue", "accuInc"]);

// Errors that `||` and macros swallow are slow to make.
const ERROR_STEPS = 50;

function adapt(evaluator: Evaluator, current: CurrentRun): void {
  evaluator.run = (node, context) => {
    current.rootContext ??= context;
    const free = current.selectsNext;
    current.selectsNext = isSelection(node);
    current.meter.charge(1);
    const found = node.evaluate(evaluator, node, context);
    const value = found === true && isNullKey(evaluator, node, context, current) ? false : found;
    if (!free && !PASSED_ON.has(node.op)) current.meter.chargeValue(value);
    return value;
  };
  evaluator.tryEval = (node, context) => {
    try {
      return evaluator.run(node, context);
    } catch (error) {
      if (error instanceof CostError) throw error;
      current.meter.charge(ERROR_STEPS);
      return error;
    }
  };
}

/**
 * Returns true for a presence test (`has(metadata.x)`, `'x' in metadata`) of a key of the stack's metadata that is
 * null. A declared key without a value is null in the scope, so that it can be compared; it is not present.
 */
function isNullKey(evaluator: Evaluator, node: Operation, context: unknown, current: CurrentRun): boolean {
  const { metadata } = current;
  const test = findPresenceTest(node);
  if (test === undefined || !(metadata instanceof Map)) return false;
  current.selectsNext = true;
  if (evaluator.run(test.map, context) !== metadata) return false;
  return metadata.get(typeof test.key === "string" ? test.key : evaluator.run(test.key, context)) === null;
}

interface PresenceTest {
  readonly map: Node;
  readonly key: string | Node;
}

function findPresenceTest({ op, args }: Operation): PresenceTest | undefined {
  if (!Array.isArray(args)) return undefined;
  if (op === "in") return isVariable(args[1]) ? { map: args[1], key: args[0] } : undefined;
  if (op !== "call" || args[0] !== "has") return undefined;
  const [map, key] = args[1][0].args;
  return isVariable(map) ? { map, key } : undefined;
}

function isVariable(node: unknown): node is Node {
  return typeof node === "object" && node !== null && "op" in node && node.op === "id";
}

function isSelection({ op, args }: Node): boolean {
  return op === "." || op === "[]" || (op === "call" && Array.isArray(args) && args[0] === "has");
}
