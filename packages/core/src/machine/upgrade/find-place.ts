import type { Place, TreeNode } from "../document/tree.ts";

/**
 * The place of a problem's path (keys joined by dots) in a tree: of the key, in lists of the value; of the nearest part
 * around it when the tree has no such key. Keys may hold dots themselves.
 */
export function findPlace(tree: TreeNode, path: string): Place {
  return path === "" ? tree.at : findDeepest(tree, path.split("."), tree.at);
}

function findDeepest(node: TreeNode, segments: readonly string[], here: Place): Place {
  if (segments.length === 0) return here;
  if (node.kind === "list") {
    const item = node.items[Number(segments[0])];
    return item === undefined ? here : findDeepest(item, segments.slice(1), item.at);
  }
  if (node.kind === "scalar") return here;
  for (let length = segments.length; length > 0; length -= 1) {
    const entry = node.entries.get(segments.slice(0, length).join("."));
    if (entry) return findDeepest(entry.value, segments.slice(length), entry.keyAt);
  }
  return here;
}
