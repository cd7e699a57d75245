import type { ASTNode } from "@marcbachmann/cel-js";
import type { SecretPlace } from "./expression.ts";
import { findReference } from "./tree-walk.ts";

/** The metadata key or output that an expression names and does nothing with; undefined when it is anything else. */
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
