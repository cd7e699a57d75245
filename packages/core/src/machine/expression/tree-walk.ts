import type { ASTNode } from "@marcbachmann/cel-js";
import type { SecretPlace } from "./expression.ts";

/** A selection from a root: `stack.visits['CLEAN-UP']` is the root `stack` and two members. */
export interface Reference {
  readonly root: string;
  readonly at: ASTNode;
  /** From left to right. A computed index has no name. */
  readonly members: readonly Member[];
}

/** One step of a selection. */
export interface Member {
  readonly name: string | undefined;
  /** The node that selects it. */
  readonly at: ASTNode;
}

/** The callbacks of a walk, in the order of the source. */
interface Visitor {
  /** Visits a selection from a name that no macro has bound. */
  reference(reference: Reference): void;
  call(call: { name: string; method: boolean; args: number; at: ASTNode }): void;
  /** Visits a literal key of a map. */
  mapKey(key: string, at: ASTNode): void;
  /** Visits a literal other than a key. */
  literal?(value: unknown, at: ASTNode): void;
}

const MACROS = new Set(["all", "exists", "exists_one", "map", "filter"]);

/** Walks a tree as it was written, without expanding macros. The names that macros bind are not references. */
export function walkTree(node: ASTNode, visitor: Visitor, bound: ReadonlySet<string> = new Set()): void {
  const reference = findReference(node);
  if (reference) walkReference(reference, visitor, bound);
  else if (node.op === "call") walkCall(node.args, node, visitor, bound);
  else if (node.op === "rcall") walkMethod(node.args, node, visitor, bound);
  else if (node.op === "map") walkMap(node.args, visitor, bound);
  else if (node.op === "value") visitor.literal?.(node.args, node);
  else for (const child of toChildren(node)) walkTree(child, visitor, bound);
}

/** Returns the selection that a node is; undefined when it does not begin at a name. */
export function findReference(node: ASTNode): Reference | undefined {
  const members: Member[] = [];
  let at = node;
  while (at.op === "." || at.op === "[]") {
    members.unshift({ name: findMemberName(at), at });
    at = at.args[0];
  }
  if (at.op !== "id") return undefined;
  return { root: at.args, at, members };
}

function walkReference(reference: Reference, visitor: Visitor, bound: ReadonlySet<string>): void {
  if (!bound.has(reference.root)) visitor.reference(reference);
  for (const { at } of reference.members) if (at.op === "[]") walkTree(at.args[1], visitor, bound);
}

function walkCall([name, args]: [string, ASTNode[]], at: ASTNode, visitor: Visitor, bound: ReadonlySet<string>): void {
  visitor.call({ name, method: false, args: args.length, at });
  for (const arg of args) walkTree(arg, visitor, bound);
}

function findMemberName(node: ASTNode): string | undefined {
  if (node.op === ".") return node.args[1];
  if (node.op !== "[]") return undefined;
  const index = node.args[1];
  return index.op === "value" && typeof index.args === "string" ? index.args : undefined;
}

function walkMethod(
  [name, receiver, args]: [string, ASTNode, ASTNode[]],
  at: ASTNode,
  visitor: Visitor,
  bound: ReadonlySet<string>,
): void {
  visitor.call({ name, method: true, args: args.length, at });
  walkTree(receiver, visitor, bound);
  const [variable, ...bodies] = args;
  if (!MACROS.has(name) || bodies.length === 0 || variable?.op !== "id") {
    for (const arg of args) walkTree(arg, visitor, bound);
    return;
  }
  const inside = new Set([...bound, variable.args]);
  for (const body of bodies) walkTree(body, visitor, inside);
}

function walkMap(entries: readonly [ASTNode, ASTNode][], visitor: Visitor, bound: ReadonlySet<string>): void {
  for (const [key, value] of entries) {
    if (key.op === "value" && typeof key.args === "string") visitor.mapKey(key.args, key);
    walkTree(key, visitor, bound);
    walkTree(value, visitor, bound);
  }
}

function toChildren(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case "value":
    case "id":
      return [];
    case "!_":
    case "-_":
      return [node.args];
    case ".":
    case ".?":
      return [node.args[0]];
    case "call":
    case "rcall":
    case "map":
      return [];
    default:
      return node.args;
  }
}

/** Returns the metadata key or output if it is the whole expression; undefined for anything else. */
export function findSecretPlace(tree: ASTNode): SecretPlace | undefined {
  const reference = findReference(tree);
  const [first, second, third, ...more] = reference?.members.map(({ name }) => name) ?? [];
  if (first === undefined || more.length > 0) return undefined;
  if (reference?.root === "metadata" && second === undefined && reference.members.length === 1) {
    return { kind: "metadata", key: first };
  }
  if (reference?.root !== "tasks" || second !== "outputs" || third === undefined) return undefined;
  return { kind: "output", task: first, output: third };
}
