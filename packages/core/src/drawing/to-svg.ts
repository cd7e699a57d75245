import { escapeHtml } from "../machine/escape-html.ts";
import type { Graph, GraphEdge, GraphNode, GraphRoute } from "../machine/graph/to-graph.ts";
import { type DrawOptions, toEdgeLabel } from "../machine/graph/to-graph.ts";
import { METRICS, type PlacedNode, type Point, toLayout, toLoop, toSize } from "./layout.ts";
import { isAfterFailure, round, toPath } from "./path.ts";

/** Around the drawing, in pixels. */
const MARGIN = 12;
/** Between arrows that join the same two states. */
const LANE = 26;

const INK = "#1f2328";
const MUTED = "#57606a";
const LINE = "#818b98";

/**
 * Returns a complete SVG document: the drawing of the console, on white. Deterministic; texts of the document appear
 * only as escaped character data, so it may be put into a page unchanged. It contains no script, style sheet or
 * reference.
 */
export function toSvg(graph: Graph, { direction = "horizontal", positions, routes }: DrawOptions = {}): string {
  const drawing = positions && toMoved(graph, positions, routes);
  return renderDrawing(drawing ?? toPlaced(graph, direction === "vertical"));
}

/**
 * As `toSvg` for places that the caller has laid out, so that a page needs no layout of its own. Undefined when they do not
 * cover every node.
 */
export function toPlacedSvg(
  graph: Graph,
  { positions, routes }: Pick<DrawOptions, "routes"> & Required<Pick<DrawOptions, "positions">>,
): string | undefined {
  const drawing = toMoved(graph, positions, routes);
  return drawing && renderDrawing(drawing);
}

function renderDrawing({ nodes, edges }: Drawing): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="State chart" ${toView(nodes, edges)} font-family="sans-serif" font-size="13">`,
    ...edges.map(renderPath),
    ...nodes.map(renderNode),
    ...edges.map(renderLabel).filter((text) => text !== ""),
    "</svg>",
    "",
  ].join("\n");
}

interface NodePlace {
  readonly node: GraphNode;
  readonly place: PlacedNode;
}

interface EdgeRoute {
  readonly edge: GraphEdge;
  readonly route: GraphRoute;
}

interface Drawing {
  readonly nodes: readonly NodePlace[];
  readonly edges: readonly EdgeRoute[];
}

function toPlaced(graph: Graph, vertical: boolean): Drawing {
  const labelOf = (index: number) => cut(toLabel(graph.edges[index]));
  const layout = toLayout(graph, { direction: vertical ? "down" : "right", labelOf });
  return {
    nodes: zip(graph.nodes, layout.nodes).map(([node, place]) => ({ node, place })),
    edges: zip(graph.edges, layout.edges)
      .filter(([, { points }]) => points.length > 0)
      .map(([edge, route]) => ({ edge, route })),
  };
}

function zip<A, B>(first: readonly A[], second: readonly B[]): readonly (readonly [A, B])[] {
  return first.flatMap((item, index) => {
    const other = second[index];
    return other === undefined ? [] : [[item, other] as const];
  });
}

/** Returns the drawing at the caller's places; undefined when they do not cover every node. */
function toMoved(
  graph: Graph,
  positions: ReadonlyMap<string, Point>,
  routes: DrawOptions["routes"],
): Drawing | undefined {
  const places = new Map<string, PlacedNode>();
  for (const node of graph.nodes) {
    const middle = positions.get(node.id);
    if (middle === undefined) return undefined;
    places.set(node.id, { id: node.id, ...middle, ...toSize(node, false) });
  }
  const lanes = new Map<string, number>();
  const edges = graph.edges.flatMap((edge, index): EdgeRoute[] => {
    const [from, to] = [places.get(edge.from), places.get(edge.to)];
    if (from === undefined || to === undefined) return [];
    const pair = [edge.from, edge.to].toSorted().join("\n");
    const lane = lanes.get(pair) ?? 0;
    lanes.set(pair, lane + 1);
    return [{ edge, route: routes?.get(index) ?? toStraight(from, to, lane) }];
  });
  const nodes = graph.nodes.flatMap((node) => {
    const place = places.get(node.id);
    return place === undefined ? [] : [{ node, place }];
  });
  return { nodes, edges };
}

/** Returns a straight arrow between the borders of two states; `lane` parts those that join the same two. */
function toStraight(from: PlacedNode, to: PlacedNode, lane: number): GraphRoute {
  if (from === to) {
    const label = { x: from.x, y: from.y + from.height / 2 + LANE * (lane + 1) };
    return { points: toLoop(from, label, "right"), label };
  }
  const [start, end] = [toBorder(from, to), toBorder(to, from)];
  const length = Math.hypot(end.x - start.x, end.y - start.y) || 1;
  const away = { x: (-(end.y - start.y) / length) * LANE * lane, y: ((end.x - start.x) / length) * LANE * lane };
  const middle = { x: (start.x + end.x) / 2 + away.x, y: (start.y + end.y) / 2 + away.y };
  return { points: lane === 0 ? [start, end] : [start, middle, end], label: middle };
}

/** Returns where the line from the middle of one box to that of another leaves the first. */
function toBorder({ x, y, width, height }: PlacedNode, { x: toX, y: toY }: Point): Point {
  const [dx, dy] = [toX - x, toY - y];
  const scale = Math.min(width / 2 / (Math.abs(dx) || 1e-9), height / 2 / (Math.abs(dy) || 1e-9), 1);
  return { x: x + dx * scale, y: y + dy * scale };
}

function toView(nodes: readonly NodePlace[], edges: readonly EdgeRoute[]): string {
  const corners = nodes.flatMap(({ place: { x, y, width, height } }) => [
    { x: x - width / 2, y: y - height / 2 },
    { x: x + width / 2, y: y + height / 2 },
  ]);
  const points = [...corners, ...edges.flatMap(({ edge, route }) => [...route.points, ...toLabelEnds(edge, route)])];
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  const [left, top] = [least(xs) - MARGIN, least(ys) - MARGIN];
  const [width, height] = [-least(xs.map((x) => -x)) + MARGIN - left, -least(ys.map((y) => -y)) + MARGIN - top];
  const box = [left, top, width, height].map(round);
  return `viewBox="${box.join(" ")}" width="${round(width)}" height="${round(height)}"`;
}

// A spread of all points would be too many arguments for a large graph.
function least(values: readonly number[]): number {
  return values.reduce((smallest, value) => Math.min(smallest, value), 0);
}

function toLabelEnds(edge: GraphEdge, { label: { x, y } }: GraphRoute): readonly Point[] {
  const half = (cut(toLabel(edge)).length * METRICS.label) / 2;
  return [
    { x: x - half, y: y - METRICS.line / 2 },
    { x: x + half, y: y + METRICS.line / 2 },
  ];
}

function renderPath({ edge, route: { points } }: EdgeRoute): string {
  const [last, before] = [points.at(-1), points.at(-2)];
  if (last === undefined || before === undefined) return "";
  const angle = round((Math.atan2(last.y - before.y, last.x - before.x) * 180) / Math.PI);
  const dashes = edge.passing ? ' stroke-dasharray="2 3"' : isAfterFailure(edge) ? ' stroke-dasharray="5 4"' : "";
  const head = `<path d="M0 0L-8 -4L-8 4z" fill="${LINE}" transform="translate(${round(last.x)} ${round(last.y)}) rotate(${angle})"/>`;
  return `<path d="${toPath(points)}" fill="none" stroke="${LINE}" stroke-width="1.5"${dashes}/>${head}`;
}

function renderLabel({ edge, route: { label } }: EdgeRoute): string {
  const text = toLabel(edge);
  if (text === "") return "";
  // The white outline keeps a label legible on an arrow.
  const halo = 'paint-order="stroke" stroke="#ffffff" stroke-width="4"';
  return `<text x="${round(label.x)}" y="${round(label.y + 4)}" text-anchor="middle" fill="${MUTED}" ${halo}>${toText(text)}</text>`;
}

function renderNode({ node, place }: NodePlace): string {
  const centre = `cx="${round(place.x)}" cy="${round(place.y)}"`;
  if (node.kind === "start") return `<circle ${centre} r="6" fill="${MUTED}"/>`;
  if (node.kind === "end") {
    return `<circle ${centre} r="7.5" fill="none" stroke="${MUTED}"/><circle ${centre} r="4" fill="${MUTED}"/>`;
  }
  const [left, top] = [place.x - place.width / 2, place.y - place.height / 2];
  const dashes = node.reachable ? "" : ' stroke-dasharray="5 4"';
  const stroke = `stroke="${LINE}" stroke-width="${node.terminal ? 2 : 1}"${dashes}`;
  const frame = `<rect x="${round(left)}" y="${round(top)}" width="${round(place.width)}" height="${round(place.height)}" rx="4" fill="#ffffff" ${stroke}/>`;
  const baseline = top + METRICS.padding + 13;
  const name = `<text x="${round(left + METRICS.padding)}" y="${round(baseline)}" font-weight="600" fill="${INK}">${toText(node.id)}</text>`;
  const tasks = node.tasks.map((task, index) => {
    const y = round(baseline + (index + 1) * METRICS.line + 4);
    const dot = `<circle cx="${round(left + 15)}" cy="${round(y - 4)}" r="2" fill="${LINE}"/>`;
    return `${dot}<text x="${round(left + 26)}" y="${y}" fill="${MUTED}">${toText(task)}</text>`;
  });
  return [frame, name, ...tasks].join("\n");
}

/** An image has no tooltip, so that its arrows contain their conditions. */
function toLabel(edge: GraphEdge | undefined): string {
  return edge === undefined ? "" : toEdgeLabel(edge);
}

function cut(text: string): string {
  return text.length > METRICS.maxCharacters ? `${text.slice(0, METRICS.maxCharacters - 1)}…` : text;
}

// Control characters and lone surrogates are not allowed in XML at all.
function toText(text: string): string {
  return escapeHtml(
    cut(text)
      .toWellFormed()
      .replaceAll(/[\p{Cc}\uFFFE\uFFFF]/gu, "\uFFFD"),
  );
}
