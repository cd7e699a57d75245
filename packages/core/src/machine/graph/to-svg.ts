import { escapeHtml } from "../escape-html.ts";
import {
  type DrawOptions,
  type Graph,
  type GraphEdge,
  type GraphNode,
  type GraphRoute,
  type GraphPoint as Point,
  START_NODE,
  toEdgeLabel,
} from "./to-graph.ts";

/**
 * Returns a complete SVG document. Deterministic; texts of the document appear only as escaped character data, so it
 * may be put into a page unchanged. It contains no script, style sheet or reference.
 */
export function toSvg(graph: Graph, { direction = "horizontal", positions, routes }: DrawOptions = {}): string {
  const vertical = direction === "vertical";
  const given = positions && toGivenLayout(graph, positions);
  const layout = given ?? toLayout(graph, vertical);
  const routed = routeEdges(graph, layout.nodes, { vertical, routes: given && routes });
  const view = toView(layout, routed);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="State chart" ${view} font-family="sans-serif" font-size="13">`,
    '<defs><marker id="arrow" viewBox="0 0 10 10" refX="10" refY="5" markerWidth="8" markerHeight="8" orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="#57606a"/></marker></defs>',
    ...routed.map(renderPath),
    ...[...layout.nodes.values()].map(renderNode),
    ...routed.map(renderLabel),
    "</svg>",
    "",
  ].join("\n");
}

interface RoutedEdge {
  readonly edge: GraphEdge;
  /** SVG path data. */
  readonly path: string;
  /** Points around the path. */
  readonly points: readonly Point[];
  readonly label: Point;
}

interface Routing {
  readonly vertical: boolean;
  readonly routes: DrawOptions["routes"] | undefined;
}

function routeEdges(
  { edges }: Graph,
  nodes: ReadonlyMap<string, PlacedNode>,
  { vertical, routes }: Routing,
): readonly RoutedEdge[] {
  const lanes = new Map<string, number>();
  const curves = edges.flatMap((edge, index) => {
    const [from, to] = [nodes.get(edge.from), nodes.get(edge.to)];
    if (!from || !to) return [];
    const pair = [edge.from, edge.to].toSorted().join("\n");
    const lane = lanes.get(pair) ?? 0;
    lanes.set(pair, lane + 1);
    const curve = routeEdge({ from, to, lane, vertical });
    return { edge, text: toEdgeLabel(edge), curve, route: routes?.get(index) };
  });
  const labels = placeLabels(curves, nodes.values());
  return curves.map(({ edge, curve, route }, index) =>
    route === undefined
      ? { edge, path: toCurvePath(curve), points: curve, label: labels[index] ?? curve[0] }
      : { edge, path: toRoutePath(route), points: route.points, label: { x: route.label.x, y: route.label.y + 4 } },
  );
}

function toCurvePath(curve: Curve): string {
  const [a, b, c, d] = curve.map(formatPoint);
  return `M${a}C${b} ${c} ${d}`;
}

/** Returns the path of a route; each inner point only bends it. */
function toRoutePath({ points: [first = { x: 0, y: 0 }, ...rest] }: GraphRoute): string {
  const bends = rest.slice(0, -1).map((point, index) => {
    const next = rest[index + 1] ?? point;
    return `Q${formatPoint(point)} ${formatPoint({ x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 })}`;
  });
  return `M${formatPoint(first)}${bends.join("")}L${formatPoint(rest.at(-1) ?? first)}`;
}

function formatPoint({ x, y }: Point): string {
  return `${round(x)} ${round(y)}`;
}

function toView(layout: Layout, routed: readonly RoutedEdge[]): string {
  const points = [
    ...layout.nodes.values(),
    ...routed.flatMap(({ edge, points, label }) => [...points, ...toLabelEnds(edge, label)]),
  ];
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

function renderPath({ edge, path }: RoutedEdge): string {
  const dashes = edge.passing ? ' stroke-dasharray="5 4"' : "";
  return `<path d="${path}" fill="none" stroke="#57606a" stroke-width="1.5"${dashes} marker-end="url(#arrow)"/>`;
}

function renderLabel({ edge, label }: RoutedEdge): string {
  if (edge.event === undefined) return "";
  // The white outline keeps a label legible on an arrow.
  const halo = 'paint-order="stroke" stroke="#ffffff" stroke-width="4"';
  return `<text x="${round(label.x)}" y="${round(label.y)}" text-anchor="middle" fill="#1f2328" ${halo}>${toText(toEdgeLabel(edge))}</text>`;
}

function renderNode(placed: PlacedNode): string {
  const { node, x, y, width, height } = placed;
  const centre = `cx="${round(x + width / 2)}" cy="${round(y + height / 2)}"`;
  if (node.kind === "start") return `<circle ${centre} r="8" fill="#1f2328"/>`;
  if (node.kind === "end") {
    return `<circle ${centre} r="9" fill="#ffffff" stroke="#1f2328" stroke-width="1.5"/><circle ${centre} r="5" fill="#1f2328"/>`;
  }
  const dashes = node.reachable ? "" : ' stroke-dasharray="5 4"';
  const stroke = `stroke="${node.terminal ? "#8250df" : "#0969da"}" stroke-width="1.5"${dashes}`;
  const frame = `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="8" fill="#f6f8fa" ${stroke}/>`;
  return [frame, ...renderTexts(placed, node.id, node.tasks)].join("\n");
}

function renderTexts({ x, y, width }: PlacedNode, name: string, tasks: readonly string[]): readonly string[] {
  const top = y + METRICS.padding + 13;
  const title = `<text x="${round(x + width / 2)}" y="${round(top)}" text-anchor="middle" font-weight="bold" fill="#1f2328">${toText(name)}</text>`;
  const lines = tasks.map((task, index) => {
    const baseline = top + (index + 1.5) * METRICS.line;
    return `<text x="${round(x + METRICS.padding)}" y="${round(baseline)}" fill="#57606a">• ${toText(task)}</text>`;
  });
  return [title, ...lines];
}

// Control characters and lone surrogates are not allowed in XML at all.
function toText(text: string): string {
  const short = text.length > METRICS.maxCharacters ? `${text.slice(0, METRICS.maxCharacters - 1)}…` : text;
  return escapeHtml(short.toWellFormed().replaceAll(/[\p{Cc}\uFFFE\uFFFF]/gu, "\uFFFD"));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** A node with its position; `x` and `y` are its upper left corner. All lengths are pixels. */
interface PlacedNode {
  readonly node: GraphNode;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A drawing's nodes by id, and its size. */
interface Layout {
  readonly nodes: ReadonlyMap<string, PlacedNode>;
  readonly width: number;
  readonly height: number;
}

/** Lengths that the drawing and its layout share. */
export const METRICS = {
  character: 7.5,
  line: 18,
  padding: 12,
  marker: 20,
  /** Between layers: room for the labels of arrows. */
  layerGap: 130,
  nodeGap: 50,
  margin: 40,
  /** Longer names are cut. */
  maxCharacters: 40,
} as const;

type Box = Omit<PlacedNode, "x" | "y">;

/**
 * Lays nodes out in layers by distance from the start marker; unreachable nodes are in the first layer after it. Inside
 * a layer nodes are sorted by the middle of their predecessors. The same graph always has the same layout.
 */
export function toLayout(graph: Graph, vertical: boolean): Layout {
  const layers = sortLayers(graph, toLayers(graph));
  const boxes = layers.map((layer) => layer.map(toBox));
  const spans = boxes.map((layer) => toSpan(layer, vertical));
  const widest = Math.max(0, ...spans);
  const nodes = new Map<string, PlacedNode>();
  let along: number = METRICS.margin;
  for (const [index, layer] of boxes.entries()) {
    const depth = Math.max(0, ...layer.map((box) => (vertical ? box.height : box.width)));
    const across = METRICS.margin + (widest - (spans[index] ?? 0)) / 2;
    placeLayer(nodes, layer, { vertical, along, across, depth });
    along += depth + METRICS.layerGap;
  }
  const length = along - METRICS.layerGap + METRICS.margin;
  const breadth = widest + 2 * METRICS.margin;
  return { nodes, width: vertical ? breadth : length, height: vertical ? length : breadth };
}

/** Returns the layout at the caller's positions; undefined when they do not cover every node. */
function toGivenLayout(graph: Graph, positions: ReadonlyMap<string, Point>): Layout | undefined {
  const nodes = new Map<string, PlacedNode>();
  for (const node of graph.nodes) {
    const middle = positions.get(node.id);
    if (middle === undefined) return undefined;
    const box = toBox(node);
    nodes.set(node.id, { ...box, x: middle.x - box.width / 2, y: middle.y - box.height / 2 });
  }
  const placed = [...nodes.values()];
  return {
    nodes,
    width: Math.max(0, ...placed.map(({ x, width }) => x + width)) + METRICS.margin,
    height: Math.max(0, ...placed.map(({ y, height }) => y + height)) + METRICS.margin,
  };
}

interface LayerPlace {
  readonly vertical: boolean;
  readonly along: number;
  readonly across: number;
  readonly depth: number;
}

function placeLayer(nodes: Map<string, PlacedNode>, layer: readonly Box[], place: LayerPlace): void {
  const { vertical, along, depth } = place;
  let { across } = place;
  for (const box of layer) {
    const centred = along + (depth - (vertical ? box.height : box.width)) / 2;
    nodes.set(box.node.id, { ...box, x: vertical ? across : centred, y: vertical ? centred : across });
    across += (vertical ? box.width : box.height) + METRICS.nodeGap;
  }
}

function toSpan(layer: readonly Box[], vertical: boolean): number {
  const sizes = layer.map((box) => (vertical ? box.width : box.height));
  return sizes.reduce((sum, size) => sum + size + METRICS.nodeGap, -METRICS.nodeGap);
}

function toBox(node: GraphNode): Box {
  if (node.kind !== "state") return { node, width: METRICS.marker, height: METRICS.marker };
  const lengths = [node.id, ...node.tasks].map((text) => Math.min(text.length, METRICS.maxCharacters) + 2);
  const lines = node.tasks.length === 0 ? 1 : node.tasks.length + 1.5;
  const width = Math.max(...lengths, 6) * METRICS.character + 2 * METRICS.padding;
  return { node, width, height: lines * METRICS.line + 2 * METRICS.padding };
}

function toLayers({ nodes, edges }: Graph): readonly (readonly GraphNode[])[] {
  const layerOf = new Map<string, number>([[START_NODE, 0]]);
  const targets = Map.groupBy(edges, ({ from }) => from);
  // A map that grows during the iteration is iterated to its new end.
  for (const [id, layer] of layerOf) {
    for (const { to } of targets.get(id) ?? []) if (!layerOf.has(to)) layerOf.set(to, layer + 1);
  }
  const last = Math.max(1, ...layerOf.values());
  const layered = Map.groupBy(nodes, ({ id, kind }) => (kind === "end" ? last + 1 : (layerOf.get(id) ?? 1)));
  const used = [...layered.keys()].toSorted((a, b) => a - b);
  return used.map((layer) => layered.get(layer) ?? []);
}

function sortLayers({ edges }: Graph, layers: readonly (readonly GraphNode[])[]): readonly (readonly GraphNode[])[] {
  const sources = Map.groupBy(edges, ({ to }) => to);
  const position = new Map<string, number>();
  return layers.map((layer) => {
    const middle = new Map(
      layer.map(({ id }) => [id, toMiddle((sources.get(id) ?? []).map(({ from }) => position.get(from)))]),
    );
    const sorted = layer.toSorted((a, b) => (middle.get(a.id) ?? 0) - (middle.get(b.id) ?? 0));
    for (const [index, { id }] of sorted.entries()) position.set(id, index);
    return sorted;
  });
}

function toMiddle(positions: readonly (number | undefined)[]): number {
  const known = positions.filter((position) => position !== undefined);
  return known.length === 0 ? Number.MAX_SAFE_INTEGER : known.reduce((sum, at) => sum + at, 0) / known.length;
}

/** A cubic curve: its start, two control points, its end. */
type Curve = readonly [Point, Point, Point, Point];

/** The ends of an arrow; `lane` counts the arrows between the same two nodes, so that they part. */
interface RouteInput {
  readonly from: PlacedNode;
  readonly to: PlacedNode;
  readonly lane: number;
  readonly vertical: boolean;
}

// Labels are wider than high, so arrows that run down need more room between them.
const LANE = { horizontal: 26, vertical: 60 };

/**
 * Returns the curve of one arrow: straight to later layers, around the nodes to the same or an earlier layer, or a
 * loop.
 */
function routeEdge({ from, to, lane, vertical }: RouteInput): Curve {
  const away = lane * (vertical ? LANE.vertical : LANE.horizontal);
  // Everything is reckoned as if the drawing grew to the right, and turned over at the end.
  const [a, b] = vertical ? [flipBox(from), flipBox(to)] : [from, to];
  if (from === to) return turn(toLoop(a, away), vertical);
  return turn(b.x > a.x + a.width ? toForward(a, b, away) : toBackward(a, b, away), vertical);
}

function turn([a, b, c, d]: Curve, vertical: boolean): Curve {
  return vertical ? [flip(a), flip(b), flip(c), flip(d)] : [a, b, c, d];
}

type Area = Pick<PlacedNode, "x" | "y" | "width" | "height">;

function toForward(a: Area, b: Area, away: number): Curve {
  const start = { x: a.x + a.width, y: a.y + a.height / 2 };
  const end = { x: b.x, y: b.y + b.height / 2 };
  const bend = (end.x - start.x) / 2;
  return [start, { x: start.x + bend, y: start.y + away }, { x: end.x - bend, y: end.y + away }, end];
}

function toBackward(a: Area, b: Area, away: number): Curve {
  const start = { x: a.x + a.width / 2, y: a.y + a.height };
  const end = { x: b.x + b.width / 2, y: b.y + b.height };
  const lowest = Math.max(start.y, end.y) + 60 + away + Math.abs(start.x - end.x) / 8;
  return [start, { x: start.x, y: lowest }, { x: end.x, y: lowest }, end];
}

function toLoop(a: Area, away: number): Curve {
  const middle = a.x + a.width / 2;
  const reach = 34 + away;
  const [left, right] = [middle - 16, middle + 16];
  return [
    { x: right, y: a.y },
    { x: right + reach, y: a.y - reach },
    { x: left - reach, y: a.y - reach },
    { x: left, y: a.y },
  ];
}

function flip({ x, y }: Point): Point {
  return { x: y, y: x };
}

function flipBox({ x, y, width, height }: Area): Area {
  return { x: y, y: x, width: height, height: width };
}

/** A curve and its text. */
interface LabelInput {
  readonly curve: Curve;
  readonly text: string;
}

// Parts of the curve to try, its middle first.
const STEPS = [0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74];

/**
 * Returns the positions of labels, the middle of their base line: on their curve, clear of nodes and of earlier labels
 * if possible, else at its middle.
 */
export function placeLabels(inputs: readonly LabelInput[], nodes: Iterable<PlacedNode>): readonly Point[] {
  const taken: Area[] = [...nodes];
  return inputs.map(({ curve, text }) => {
    const points = STEPS.map((step) => toPoint(curve, step));
    const free = points.find((point) => taken.every((box) => !overlaps(box, toLabelBox(point, text))));
    const point = free ?? toPoint(curve, 0.5);
    taken.push(toLabelBox(point, text));
    return point;
  });
}

function toPoint([a, b, c, d]: Curve, step: number): Point {
  const rest = 1 - step;
  const [wa, wb, wc, wd] = [rest ** 3, 3 * rest ** 2 * step, 3 * rest * step ** 2, step ** 3];
  return { x: wa * a.x + wb * b.x + wc * c.x + wd * d.x, y: wa * a.y + wb * b.y + wc * c.y + wd * d.y - 4 };
}

function toLabelBox({ x, y }: Point, text: string): Area {
  const width = Math.min(text.length, METRICS.maxCharacters) * METRICS.character;
  return { x: x - width / 2, y: y - 12, width, height: 16 };
}

function overlaps(a: Area, b: Area): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}
