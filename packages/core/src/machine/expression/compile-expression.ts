import type { ASTNode } from "@marcbachmann/cel-js";
import { cutText } from "../cut-text.ts";
import { quote } from "../document/wording.ts";
import { type CelProgram, type CelScope, parseCel } from "./cel-engine.ts";
import { toBoundedName, toWrittenNames } from "./cel-functions.ts";
import { fromCelValue, toCelScope, toCelVariables } from "./cel-values.ts";
import { checkNames, checkVariables, tooLong, toSyntaxFault } from "./check-names.ts";
import { declareTypes } from "./declared-types.ts";
import type { Cel, Evaluated, Expression, ExpressionFault, ExpressionPlace } from "./expression.ts";
import { createMeter, EvaluationError, EXPRESSION_LIMITS } from "./meter.ts";
import { findReference, walkTree } from "./tree-walk.ts";

/** An expression that may be evaluated, or what is wrong with it. */
type CompiledExpression =
  | { readonly kind: "expression"; readonly expression: Expression }
  | { readonly kind: "faults"; readonly faults: readonly ExpressionFault[] };

/**
 * Compiles a string that is CEL as a whole, as in `when` and `exclusive`: its syntax and its names are checked,
 * and its types as far as they do not depend on values. Offsets of faults count from the start of the string. Never throws.
 */
export function compileExpression(
  source: string,
  place: ExpressionPlace,
  wanted: WantedResult = "any",
): CompiledExpression {
  const checked = compileProgram(source, ({ tree }) => checkNames(tree, source, place));
  if (checked.kind === "faults") return checked;
  const inferred = inferDeclaredType(source, place);
  const fault = inferred.kind === "fault" ? inferred.fault : findResultFault(source, inferred.type, wanted);
  if (fault !== undefined) return { kind: "faults", faults: [fault] };
  const { program } = checked;
  const evaluate: Expression["evaluate"] = (scope) => evaluateProgram(program, source, () => toCelScope(scope, place));
  return { kind: "expression", expression: { source, evaluate } };
}

/**
 * Compiles a CEL expression outside of machines, such as a rule of a plugin's document, over these variables. It has
 * the functions, bounds and messages of the expressions in machines. Never throws.
 */
export function compileCel(
  source: string,
  variables: readonly string[],
):
  | { readonly kind: "cel"; readonly cel: Cel }
  | { readonly kind: "faults"; readonly faults: readonly ExpressionFault[] } {
  const checked = compileProgram(source, ({ tree }) => checkVariables(tree, source, variables));
  if (checked.kind === "faults") return checked;
  const { program } = checked;
  const evaluate: Cel["evaluate"] = (values) => evaluateProgram(program, source, () => toCelVariables(values));
  return { kind: "cel", cel: { source, evaluate } };
}

/** The type of an expression such as `bool` or `dyn`, or what is wrong with it. */
export type InferredType =
  | { readonly kind: "type"; readonly type: string }
  | { readonly kind: "fault"; readonly fault: ExpressionFault };

/** The type that an expression must have. A key is a text, number or boolean; null means none. */
export type WantedResult = "any" | "bool" | "key";

const RESULTS: Readonly<Record<WantedResult, { readonly types: readonly string[]; readonly what: string }>> = {
  any: { types: [], what: "" },
  bool: { types: ["bool"], what: "true or false" },
  key: { types: ["string", "int", "uint", "double", "bool", "null"], what: "a text, a number, or null for no key" },
};

function findResultFault(source: string, type: string, wanted: WantedResult): ExpressionFault | undefined {
  const { types, what } = RESULTS[wanted];
  if (wanted === "any" || type === "dyn" || types.includes(type)) return undefined;
  return {
    code: "expression-type",
    message: `${quote(source)} must give ${what}, but its type is ${type}.`,
    offset: 0,
  };
}

/**
 * Infers the type of an expression, whose names were checked, with the types that the document declares; `dyn` where
 * they are not checked. They are types of values that may also be null, so that the library must not choose operators
 * by them.
 */
export function inferDeclaredType(source: string, place: ExpressionPlace): InferredType {
  if (place.metadata.types === undefined) return { kind: "type", type: "dyn" };
  const constant = findConstantFault(source);
  if (constant !== undefined) return { kind: "fault", fault: constant };
  const program = parseCel(source);
  bindCalls(program);
  declareTypes(program.tree, place);
  try {
    return { kind: "type", type: program.inferType() };
  } catch (error) {
    return { kind: "fault", fault: toTypeFault(error, source) };
  }
}

/**
 * Returns the fault of a part that fails whatever the values are: a call of which all arguments are written, or a whole
 * expression without variables.
 */
function findConstantFault(source: string): ExpressionFault | undefined {
  const { tree } = parseCel(source);
  const constant: ASTNode[] = [];
  let references = 0;
  walkTree(tree, {
    reference() {
      references += 1;
    },
    mapKey: () => undefined,
    call({ at }) {
      const args = at.op === "call" ? at.args[1] : [];
      if (args.length > 0 && args.every(({ op }) => op === "value")) constant.push(at);
    },
  });
  for (const { start, end } of references === 0 ? [tree] : constant) {
    const part = source.slice(start, end);
    const program = parseCel(part);
    bindCalls(program);
    try {
      program.run(toCelVariables({}), createMeter());
    } catch (error) {
      return { code: "expression-fails", message: `${toReason(error, part)}.`, offset: start };
    }
  }
  return undefined;
}

function evaluateProgram(program: CelProgram, source: string, toScope: () => CelScope): Evaluated {
  try {
    return { kind: "value", value: fromCelValue(program.run(toScope(), createMeter())) };
  } catch (error) {
    return { kind: "error", reason: toReason(error, source) };
  }
}

/** A program whose names were checked, or what is wrong with its source. */
type CheckedProgram =
  | { readonly kind: "program"; readonly program: CelProgram }
  | { readonly kind: "faults"; readonly faults: readonly ExpressionFault[] };

/** Parses, checks names, and binds calls to the bounded functions. Never throws. */
export function compileProgram(
  source: string,
  check: (program: CelProgram) => readonly ExpressionFault[],
): CheckedProgram {
  const long = tooLong(source);
  if (long) return { kind: "faults", faults: [long] };
  try {
    const program = parseCel(source);
    const faults = check(program);
    if (faults.length > 0) return { kind: "faults", faults };
    bindCalls(program);
    const fault = findTypeFault(program, source);
    return fault === undefined ? { kind: "program", program } : { kind: "faults", faults: [fault] };
  } catch (error) {
    return { kind: "faults", faults: [toSyntaxFault(error, source)] };
  }
}

/** Returns the fault of an expression that would fail whatever the values are. */
function findTypeFault(program: CelProgram, source: string): ExpressionFault | undefined {
  try {
    program.inferType();
    return undefined;
  } catch (error) {
    return toTypeFault(error, source);
  }
}

function toTypeFault(error: unknown, source: string): ExpressionFault {
  const { node } = readError(error);
  return { code: "expression-type", message: `${toReason(error, source)}.`, offset: node?.start ?? 0 };
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

/**
 * Explains why evaluating failed, for people: bounded, and without values, because some are sensitive. Uses the
 * library's messages only if they contain only types.
 */
export function toReason(error: unknown, source: string): string {
  return cutText(`${quote(source)}: ${formatFailure(error, source)}`, EXPRESSION_LIMITS.maxReason);
}

const TYPES_ONLY = new Set(
  "no_such_overload no_matching_overload invalid_condition_type invalid_logical_operand incompatible_ternary_branches cannot_index_type invalid_index_type invalid_comprehension_range unsupported_type".split(
    " ",
  ),
);

const WORDS: Readonly<Record<string, string>> = {
  division_by_zero: "division by zero",
  modulo_by_zero: "division by zero",
  numeric_overflow: "a number is out of the range of its type",
  bool_conversion_error: "bool() cannot convert this text",
  double_conversion_error: "double() cannot convert this text",
  invalid_macro_argument: "has() and other macros take a field of a variable, such as metadata.x",
  index_out_of_bounds: "an index is outside its list",
};

function formatFailure(error: unknown, source: string): string {
  if (error instanceof EvaluationError) return error.message;
  if (error instanceof RangeError) return "it is too deep or too large";
  const { code, summary, node } = readError(error);
  if (code === "no_such_key") return formatMissing(node, source);
  if (code === "unknown_variable") return "it uses an unknown variable";
  if (TYPES_ONLY.has(code)) return formatTypes(toWrittenNames(summary));
  return WORDS[code] ?? "it cannot be evaluated";
}

function formatTypes(summary: string): string {
  const mixed = /int [-+*/%] double|double [-+*/%] int/.test(summary);
  return mixed ? `${summary}; write double(x) to mix whole and other numbers` : summary;
}

// The message contains the key only if it is written in the expression: a computed one may be a sensitive value.
function formatMissing(node: ASTNode | undefined, source: string): string {
  const members = node && findReference(node)?.members;
  const last = members?.at(-1);
  if (!node || !last?.name || (node.op !== "." && node.op !== "[]")) return "the key does not exist";
  const of = source.slice(node.start, node.args[0].end);
  const missing = `${cutText(of, 80)} has no ${quote(last.name)}`;
  if (members?.at(-2)?.name !== "outputs") return `${missing}; ask has() before`;
  return `${missing}; a sensitive output may stand only as a whole placeholder of a config`;
}

interface LibraryError {
  readonly code: string;
  readonly summary: string;
  readonly node: ASTNode | undefined;
}

function readError(error: unknown): LibraryError {
  const found: { code: string; summary: string; node: ASTNode | undefined } = {
    code: "",
    summary: "",
    node: undefined,
  };
  if (!(error instanceof Error)) return found;
  if ("code" in error && typeof error.code === "string") found.code = error.code;
  if ("summary" in error && typeof error.summary === "string") found.summary = error.summary;
  if ("node" in error && isNode(error.node)) found.node = error.node;
  return found;
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === "object" && value !== null && "op" in value && "args" in value && "start" in value;
}
