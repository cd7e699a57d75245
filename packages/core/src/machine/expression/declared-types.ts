import type { ASTNode } from "@marcbachmann/cel-js";
import { cutText } from "../cut-text.ts";
import { formatNames } from "../format-names.ts";
import type { MetadataValue } from "../stack.ts";
import { INSTANT } from "./cel-functions.ts";
import { isTyped, type TypedNode } from "./cel-types.ts";
import type { DeclaredType, ExpressionPlace } from "./expression.ts";
import { EvaluationError } from "./meter.ts";
import { type Member, type Reference, walkTree } from "./tree-walk.ts";

/**
 * Gives the names of a tree the types that the document declares. The tree is then good for inferring types only: a
 * value may be null whatever its type is.
 */
export function declareTypes(tree: ASTNode, { metadata }: ExpressionPlace): void {
  const { types } = metadata;
  if (types === undefined) return;
  const enums = new Map<unknown, NamedEnum>();
  walkTree(tree, {
    reference: (reference) => declareReference(reference, types, enums),
    call: () => undefined,
    mapKey: () => undefined,
  });
  checkEnums(tree, enums);
}

/** The values of a key, by the node that selects it. */
interface NamedEnum {
  readonly key: string;
  readonly values: readonly MetadataValue[];
}

const NAMES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  stack: {
    id: "string",
    machine: "string",
    state: "string",
    previousState: "string",
    createdAt: INSTANT,
    enteredAt: INSTANT,
    visits: "map<string, int>",
  },
  event: { name: "string" },
  actor: { id: "string", kind: "string", groups: "list<string>", machine: "string" },
};

// A number of metadata is an int when it is whole. Whatever a double may be used for, an int may.
const TYPES = { string: "string", number: "int", boolean: "bool" } as const;

function declareReference(
  { root, members }: Reference,
  types: ReadonlyMap<string, DeclaredType>,
  enums: Map<unknown, NamedEnum>,
): void {
  const [first, second] = members;
  const known = first?.name === undefined ? undefined : NAMES[root]?.[first.name];
  if (known !== undefined) setType(first?.at, known);
  if (root === "tasks" && second?.name === "status") setType(second.at, "string");
  const key = findMetadataKey(root, members);
  const rule = types.get(key?.name ?? "");
  const type = findType(rule);
  if (key === undefined || type === undefined) return;
  setType(key.at, TYPES[type]);
  if (rule?.enum !== undefined && !rule.sensitive && key.name !== undefined)
    enums.set(key.at, { key: key.name, values: rule.enum });
}

function findMetadataKey(root: string, [first, second]: Reference["members"]): Member | undefined {
  if (root === "metadata") return first;
  return root === "event" && first?.name === "metadata" ? second : undefined;
}

function findType(rule: DeclaredType | undefined): keyof typeof TYPES | undefined {
  if (rule?.type !== undefined) return rule.type;
  const [found, ...others] = new Set(rule?.enum?.map((value) => typeof value));
  return others.length === 0 && (found === "string" || found === "number" || found === "boolean") ? found : undefined;
}

function setType(node: unknown, name: string): void {
  if (isTyped(node)) node.check = (checker) => checker.getType(name);
}

/** Lets a comparison with a value that a key can never have be a fault. */
function checkEnums(value: unknown, enums: ReadonlyMap<unknown, NamedEnum>): void {
  if (enums.size === 0) return;
  if (Array.isArray(value)) for (const each of value) checkEnums(each, enums);
  else if (isTyped(value)) {
    if (value.op === "==" || value.op === "!=") checkComparison(value, enums);
    checkEnums(value.args, enums);
  }
}

function checkComparison(node: TypedNode, enums: ReadonlyMap<unknown, NamedEnum>): void {
  const [left, right] = Array.isArray(node.args) ? node.args : [];
  const named = enums.get(left) ?? enums.get(right);
  const literal = enums.has(left) ? right : left;
  if (named === undefined || !isTyped(literal) || literal.op !== "value" || literal.args === null) return;
  const value = typeof literal.args === "bigint" ? Number(literal.args) : literal.args;
  if (named.values.some((each) => each === value)) return;
  const infer = node.check.bind(node);
  node.check = (checker, same, context) => {
    infer(checker, same, context);
    throw new EvaluationError(`metadata.${named.key} never has this value; its enum has ${formatValues(named.values)}`);
  };
}

const MOST_VALUES = 5;

function formatValues(values: readonly MetadataValue[]): string {
  const shown = values.map((value) => cutText(String(value), 40));
  return formatNames(shown, MOST_VALUES);
}
