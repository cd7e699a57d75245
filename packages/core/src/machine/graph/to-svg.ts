import { METRICS, type PlacedNode, toLayout } from "./layout.ts";
import { placeLabels } from "./place-labels.ts";
import { type Curve, type Point, routeEdge } from "./route-edge.ts";
import { toEdgeLabel } from "./to-edge-label.ts";
import type { DrawOptions, Graph, GraphEdge } from "./to-graph.ts";

/**
 * A complete SVG document. Deterministic; texts of the document appear only as escaped character data, so it may be put
 * into a page as it is. It holds no script, style sheet or reference.
 */
export function toSvg(graph: Graph, { direction = "horizontal" }: DrawOptions = {}): string {
  const vertical = direction === "vertical";
  const layout = toLayout(graph, vertical);
  const routed = routeEdges(graph, layout.nodes, vertical);
  const view = toView(layout, routed);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="State chart" ${view} font-family="sans-serif" font-size="13">`,
    '<defs><marker id="arrow" viewBox="0 0 10 10" refX="10" refY="5" markerWidth="8" markerHeight="8" orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="#57606a"/></marker></defs>',
    ...routed.map(drawPath),
    ...[...layout.nodes.values()].map(drawNode),
    ...routed.map(drawLabel),
    "</svg>",
    "",
  ].join("\n");
}

interface RoutedEdge {
  readonly edge: GraphEdge;
  readonly curve: Curve;
  readonly label: Point;
}

function routeEdges(
  { edges }: Graph,
  nodes: ReadonlyMap<string, PlacedNode>,
  vertical: boolean,
): readonly RoutedEdge[] {
  const lanes = new Map<string, number>();
  const curves = edges.flatMap((edge) => {
    const [from, to] = [nodes.get(edge.from), nodes.get(edge.to)];
    if (!from || !to) return [];
    const pair = [edge.from, edge.to].toSorted().join("\n");
    const lane = lanes.get(pair) ?? 0;
    lanes.set(pair, lane + 1);
    return { edge, text: toEdgeLabel(edge), curve: routeEdge({ from, to, lane, vertical }) };
  });
  const labels = placeLabels(curves, nodes.values());
  return curves.map(({ edge, curve }, index) => ({ edge, curve, label: labels[index] ?? curve[0] }));
}

function toView(layout: { readonly width: number; readonly height: number }, routed: readonly RoutedEdge[]): string {
  const points = routed.flatMap(({ edge, curve, label }) => [...curve, ...toLabelEnds(edge, label)]);
  const left = Math.min(0, ...points.map(({ x }) => x - METRICS.margin));
  const top = Math.min(0, ...points.map(({ y }) => y - METRICS.margin));
  const width = Math.max(layout.width, ...points.map(({ x }) => x + METRICS.margin)) - left;
  const height = Math.max(layout.height, ...points.map(({ y }) => y + METRICS.margin)) - top;
  const box = [left, top, width, height].map(round);
  return `viewBox="${box.join(" ")}" width="${round(width)}" height="${round(height)}"`;
}

function toLabelEnds(edge: GraphEdge, { x, y }: Point): readonly Point[] {
  const half = (Math.min(toEdgeLabel(edge).length, METRICS.maxCharacters) * METRICS.character) / 2;
  return [
    { x: x - half, y },
    { x: x + half, y },
  ];
}

function drawPath({ edge, curve }: RoutedEdge): string {
  const [a, b, c, d] = curve.map(({ x, y }) => `${round(x)} ${round(y)}`);
  const dashes = edge.passing ? ' stroke-dasharray="5 4"' : "";
  return `<path d="M${a}C${b} ${c} ${d}" fill="none" stroke="#57606a" stroke-width="1.5"${dashes} marker-end="url(#arrow)"/>`;
}

function drawLabel({ edge, label }: RoutedEdge): string {
  if (edge.event === undefined) return "";
  // The white outline keeps a label legible on an arrow.
  const halo = 'paint-order="stroke" stroke="#ffffff" stroke-width="4"';
  return `<text x="${round(label.x)}" y="${round(label.y)}" text-anchor="middle" fill="#1f2328" ${halo}>${toText(toEdgeLabel(edge))}</text>`;
}

function drawNode(placed: PlacedNode): string {
  const { node, x, y, width, height } = placed;
  const centre = `cx="${round(x + width / 2)}" cy="${round(y + height / 2)}"`;
  if (node.kind === "start") return `<circle ${centre} r="8" fill="#1f2328"/>`;
  if (node.kind === "end") {
    return `<circle ${centre} r="9" fill="#ffffff" stroke="#1f2328" stroke-width="1.5"/><circle ${centre} r="5" fill="#1f2328"/>`;
  }
  const dashes = node.reachable ? "" : ' stroke-dasharray="5 4"';
  const stroke = `stroke="${node.terminal ? "#8250df" : "#0969da"}" stroke-width="1.5"${dashes}`;
  const frame = `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="8" fill="#f6f8fa" ${stroke}/>`;
  return [frame, ...drawTexts(placed, node.id, node.tasks)].join("\n");
}

function drawTexts({ x, y, width }: PlacedNode, name: string, tasks: readonly string[]): readonly string[] {
  const top = y + METRICS.padding + 13;
  const title = `<text x="${round(x + width / 2)}" y="${round(top)}" text-anchor="middle" font-weight="bold" fill="#1f2328">${toText(name)}</text>`;
  const lines = tasks.map((task, index) => {
    const baseline = top + (index + 1.5) * METRICS.line;
    return `<text x="${round(x + METRICS.padding)}" y="${round(baseline)}" fill="#57606a">• ${toText(task)}</text>`;
  });
  return [title, ...lines];
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

// Control characters and lone surrogates are not allowed in XML at all.
function toText(text: string): string {
  const short = text.length > METRICS.maxCharacters ? `${text.slice(0, METRICS.maxCharacters - 1)}…` : text;
  return short
    .toWellFormed()
    .replaceAll(/[\p{Cc}\uFFFE\uFFFF]/gu, "\uFFFD")
    .replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
