import type { TreeNode } from "./tree.ts";

/** JSON of a tree with sorted keys and no spaces: equal documents give equal texts. */
export function toCanonicalJson(node: TreeNode): string {
  if (node.kind === "scalar") return JSON.stringify(node.value);
  if (node.kind === "list") return `[${node.items.map(toCanonicalJson).join(",")}]`;
  const entries = [...node.entries].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, { value }]) => `${JSON.stringify(key)}:${toCanonicalJson(value)}`).join(",")}}`;
}
