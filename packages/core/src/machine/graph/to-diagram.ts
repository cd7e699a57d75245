import { type DrawOptions, type Graph, type GraphEdge, type GraphNode, toEdgeLabel } from "./to-graph.ts";

/** Returns a Mermaid state diagram. Names of the document appear in quoted labels only; ids are numbers. */
export function toMermaid(graph: Graph, { direction = "horizontal" }: DrawOptions = {}): string {
  const ids = new Map(graph.nodes.map((node, index) => [node.id, node.kind === "state" ? `s${index}` : "[*]"]));
  const lines = ["stateDiagram-v2", `  direction ${direction === "horizontal" ? "LR" : "TB"}`];
  for (const node of graph.nodes)
    if (node.kind === "state") lines.push(`  state "${toMermaidLabel(node)}" as ${ids.get(node.id)}`);
  for (const edge of graph.edges) lines.push(`  ${toMermaidLine(edge, ids)}`);
  return `${lines.join("\n")}\n`;
}

function toMermaidLabel(node: GraphNode & { readonly kind: "state" }): string {
  return [node.id, ...node.tasks.map((task) => `- ${task}`)].map(escapeMermaid).join("<br/>");
}

function toMermaidLine(edge: GraphEdge, ids: ReadonlyMap<string, string>): string {
  const { from, to, event, passing } = edge;
  const text = toEdgeLabel(edge);
  const label = event === undefined ? "" : ` : ${escapeMermaid(passing ? `${text} (passing)` : text)}`;
  return `${ids.get(from)} --> ${ids.get(to)}${label}`;
}

// Mermaid's own entity codes: a number sign, the code point, a semicolon.
function escapeMermaid(text: string): string {
  return text.replaceAll(/[^\w .,/@=+-]/gu, (character) => `#${character.codePointAt(0)};`);
}

/** Returns a graph in Graphviz' DOT language. */
export function toDot(graph: Graph, { direction = "horizontal" }: DrawOptions = {}): string {
  const lines = [
    "digraph machine {",
    `  rankdir=${direction === "horizontal" ? "LR" : "TB"};`,
    '  node [shape=box, style=rounded, fontname="sans-serif"];',
    '  edge [fontname="sans-serif"];',
    ...graph.nodes.map(toNodeLine),
    ...graph.edges.map(toEdgeLine),
    "}",
  ];
  return `${lines.join("\n")}\n`;
}

function toNodeLine(node: GraphNode): string {
  if (node.kind === "start") return `  ${quote(node.id)} [shape=circle, style=filled, label="", width=0.2];`;
  if (node.kind === "end") return `  ${quote(node.id)} [shape=doublecircle, style=filled, label="", width=0.15];`;
  // \l ends a line and sets it to the left.
  const tasks = node.tasks.map((task) => `• ${escapeDot(task)}\\l`).join("");
  const style = node.reachable ? "" : ', style="rounded,dashed"';
  return `  ${quote(node.id)} [label="${escapeDot(node.id)}\\n${tasks}"${style}];`;
}

function toEdgeLine(edge: GraphEdge): string {
  const { from, to, event, passing } = edge;
  const attributes = [
    event === undefined ? [] : `label=${quote(toEdgeLabel(edge))}`,
    passing ? "style=dashed" : [],
  ].flat();
  return `  ${quote(from)} -> ${quote(to)}${attributes.length > 0 ? ` [${attributes.join(", ")}]` : ""};`;
}

function quote(text: string): string {
  return `"${escapeDot(text)}"`;
}

// A backslash would begin one of Graphviz' escapes, such as \N; control characters are invalid in a line.
function escapeDot(text: string): string {
  return text
    .replaceAll("\\", "\\\\")
    .replaceAll('"', '\\"')
    .replaceAll(/\p{Cc}/gu, " ");
}
