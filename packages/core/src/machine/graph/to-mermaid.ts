import { toEdgeLabel } from "./to-edge-label.ts";
import type { DrawOptions, Graph, GraphEdge, GraphNode } from "./to-graph.ts";

/** A Mermaid state diagram. Names of the document stand in quoted labels only; ids are numbers. */
export function toMermaid(graph: Graph, { direction = "horizontal" }: DrawOptions = {}): string {
  const ids = new Map(graph.nodes.map((node, index) => [node.id, node.kind === "state" ? `s${index}` : "[*]"]));
  const lines = ["stateDiagram-v2", `  direction ${direction === "horizontal" ? "LR" : "TB"}`];
  for (const node of graph.nodes)
    if (node.kind === "state") lines.push(`  state "${toLabel(node)}" as ${ids.get(node.id)}`);
  for (const edge of graph.edges) lines.push(`  ${toLine(edge, ids)}`);
  return `${lines.join("\n")}\n`;
}

function toLabel(node: GraphNode & { readonly kind: "state" }): string {
  return [node.id, ...node.tasks.map((task) => `- ${task}`)].map(escapeText).join("<br/>");
}

function toLine(edge: GraphEdge, ids: ReadonlyMap<string, string>): string {
  const { from, to, event, passing } = edge;
  const text = toEdgeLabel(edge);
  const label = event === undefined ? "" : ` : ${escapeText(passing ? `${text} (passing)` : text)}`;
  return `${ids.get(from)} --> ${ids.get(to)}${label}`;
}

// Mermaid's own entity codes: a number sign, the code point, a semicolon.
function escapeText(text: string): string {
  return text.replaceAll(/[^\w .,/@=+-]/gu, (character) => `#${character.codePointAt(0)};`);
}
