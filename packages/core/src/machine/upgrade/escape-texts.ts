import { isMap, isScalar, isSeq, type YAMLMap } from "yaml";
import { escapeTemplate } from "../expression/escape-template.ts";
import type { Nodes } from "./nodes.ts";

/** Every text in the tasks, also behind aliases, each once. */
export function escapeTexts(nodes: Nodes, tasks: YAMLMap): void {
  const waiting: unknown[] = [tasks];
  const seen = new Set<unknown>();
  // A list that grows while it is walked is walked to its new end.
  for (const node of waiting) {
    const value = nodes.resolve(node);
    if (seen.has(value)) continue;
    seen.add(value);
    if (isScalar(value) && typeof value.value === "string") value.value = escapeTemplate(value.value);
    waiting.push(...childrenOf(value));
  }
}

function childrenOf(node: unknown): readonly unknown[] {
  if (isSeq(node)) return node.items;
  return isMap(node) ? node.items.map(({ value }) => value) : [];
}
