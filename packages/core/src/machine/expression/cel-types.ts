import { INSTANT, SPAN } from "./cel-functions.ts";

/** The part of the library's checker that the types of nodes are inferred with. */
interface Checker {
  readonly dynType: unknown;
  getType(name: string): unknown;
}

/** A node whose type can be inferred. */
export interface TypedNode {
  readonly op: string;
  readonly args: unknown;
  readonly checkedType?: { readonly name: string };
  check(checker: Checker, node: TypedNode, context: unknown): unknown;
  evaluate(evaluator: never, node: never, context: unknown): unknown;
}

/** The result of the library's checker. */
interface CheckResult {
  readonly valid: boolean;
  readonly type?: string;
  readonly error?: unknown;
}

/** Returns the type of a checked expression such as `bool` or `dyn`; throws the library's error. */
export function inferType({ valid, type, error }: CheckResult): string {
  if (!valid) throw error;
  return type ?? "dyn";
}

/** Lets the types of a tree be inferred as the language has them, where the library has others. */
export function adaptTypes(value: unknown): void {
  if (Array.isArray(value)) for (const each of value) adaptTypes(each);
  else if (isTyped(value)) {
    const rule = TYPE_RULES[value.op];
    if (rule !== undefined) value.check = rule(value, value.check.bind(value));
    adaptTypes(value.args);
  }
}

/** Returns true for a node of the library's tree that has operands. */
export function isTyped(value: unknown): value is TypedNode {
  return typeof value === "object" && value !== null && "op" in value && "check" in value && "args" in value;
}

type TypeRule = (node: TypedNode, infer: TypedNode["check"]) => TypedNode["check"];

const TYPE_RULES: Readonly<Record<string, TypeRule>> = {
  // The library finds two operators for the items of an empty list.
  list: (node, infer) => (isEmpty(node) ? (checker) => checker.getType("list<dyn>") : infer),
  map: (node, infer) => (isEmpty(node) ? (checker) => checker.getType("map<dyn, dyn>") : infer),
  // Branches of two types give a value of either.
  "?:": (_node, infer) => (checker, node, context) => {
    try {
      return infer(checker, node, context);
    } catch (error) {
      if (isLibraryError(error, "incompatible_ternary_branches")) return checker.dynType;
      throw error;
    }
  },
  // The library takes a duration plus an instant, or plus a value whose type is not known, for a duration, and the items
  // of two lists for those of the first.
  "+": (_node, infer) => (checker, node, context) => {
    const type = infer(checker, node, context);
    const [from, by] = toOperandTypes(node);
    if (by === INSTANT) return checker.getType(INSTANT);
    return (from === SPAN && by !== SPAN) || (from !== by && findItemType(from)) ? checker.dynType : type;
  },
  "==": compareTypes,
  "!=": compareTypes,
  in: compareTypes,
};

/** Any value may be null, and numbers of all kinds are compared by their value. */
function compareTypes(_node: TypedNode, infer: TypedNode["check"]): TypedNode["check"] {
  return (checker, node, context) => {
    try {
      return infer(checker, node, context);
    } catch (error) {
      const [left = "", right = ""] = toOperandTypes(node);
      if (isLibraryError(error, "no_such_overload") && areComparable(node.op, left, right))
        return checker.getType("bool");
      throw error;
    }
  };
}

const NUMBERS: ReadonlySet<string> = new Set(["int", "uint", "double"]);

function areComparable(op: string, left: string, right: string): boolean {
  const ofRight = findItemType(right);
  if (op === "in") return ofRight !== undefined && (left === ofRight || areComparable("==", left, ofRight));
  if (left === "null" || right === "null" || (NUMBERS.has(left) && NUMBERS.has(right))) return true;
  const ofLeft = findItemType(left);
  return ofLeft !== undefined && ofRight !== undefined && areComparable("==", ofLeft, ofRight);
}

function findItemType(type = ""): string | undefined {
  return /^list<(.*)>$/.exec(type)?.[1];
}

/** Returns the names of the types of the operands, after they were inferred. */
function toOperandTypes({ args }: TypedNode): readonly (string | undefined)[] {
  return Array.isArray(args) ? args.filter(isTyped).map(({ checkedType }) => checkedType?.name) : [];
}

function isEmpty({ args }: TypedNode): boolean {
  return Array.isArray(args) && args.length === 0;
}

function isLibraryError(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
