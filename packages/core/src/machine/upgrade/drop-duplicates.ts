import { type Document, isAlias, isNode, type Pair, visit } from "yaml";
import { toKeyText } from "./nodes.ts";

/** Version 2 refuses a key that stands twice in a map; v1 takes the first. False when a later one holds an anchor. */
export function dropDuplicates(document: Document.Parsed): boolean {
  let isSafe = true;
  visit(document, {
    Map(_key, map) {
      const seen = new Set<string>();
      map.items = map.items.filter((pair) => {
        const key = toKeyText(pair.key);
        if (key === undefined || key === "<<" || !seen.has(key)) {
          if (key !== undefined) seen.add(key);
          return true;
        }
        if (hasAnchor(pair)) isSafe = false;
        return false;
      });
    },
  });
  return isSafe;
}

function hasAnchor({ value }: Pair): boolean {
  if (!isNode(value)) return false;
  let found = false;
  visit(value, {
    Node(_key, node) {
      if (!isAlias(node) && node.anchor !== undefined) found = true;
    },
  });
  return found;
}
