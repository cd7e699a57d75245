import { type Document, visit } from "yaml";
import { toKeyText } from "./nodes.ts";

/** Version 2 refuses a key that stands twice in a map; v1 takes the first. */
export function dropDuplicates(document: Document.Parsed): void {
  visit(document, {
    Map(_key, map) {
      const seen = new Set<string>();
      map.items = map.items.filter((pair) => {
        const key = toKeyText(pair.key);
        const isRepeated = key !== undefined && key !== "<<" && seen.has(key);
        if (key !== undefined) seen.add(key);
        return !isRepeated;
      });
    },
  });
}
