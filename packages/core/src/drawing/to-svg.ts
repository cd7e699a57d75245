import { escapeHtml } from "../machine/escape-html.ts";
import type { Graph, GraphNode } from "../machine/graph/to-graph.ts";
import { type DrawOptions, toEdgeLabel } from "../machine/graph/to-graph.ts";
import type { Box, GraphLayout, PlacedLine, PlacedNode, PlacedStub } from "./graph-layout.ts";
import { cut, METRICS, toLayout } from "./layout.ts";
import { isAfterFailure, round, toPath } from "./path.ts";

/** Around the drawing, in pixels. */
const MARGIN = 12;

const INK = "#1f2328";
const MUTED = "#57606a";
const LINE = "#818b98";

/**
 * Returns a complete SVG document: the drawing of the console, on white. Deterministic; texts of the document appear
 * only as escaped character data, so it may be put into a page unchanged. It contains no script, style sheet or
 * reference.
 */
export function toSvg(graph: Graph, { direction = "horizontal" }: DrawOptions = {}): string {
  const labelOf = (index: number) => toLabel(graph, index);
  return toPlacedSvg(graph, toLayout(graph, { direction: direction === "vertical" ? "down" : "right", labelOf }));
}

/** As `toSvg` for a layout that the caller has, so that a page needs no layout of its own. */
export function toPlacedSvg(graph: Graph, layout: GraphLayout): string {
  const { lines, stubs } = layout;
  const drawn = lines.filter(({ points }) => points.length > 1);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="State chart" ${toView(layout)} font-family="sans-serif" font-size="13">`,
    ...drawn.map((line) => renderPath(graph, line)),
    ...graph.nodes.flatMap((node, index) => {
      const place = layout.nodes[index];
      return place === undefined ? [] : [renderNode({ node, place })];
    }),
    ...drawn.flatMap((line) => renderLabel(graph, line)),
    ...stubs.map((stub) => renderStub(graph, stub)),
    "</svg>",
    "",
  ].join("\n");
}

interface NodePlace {
  readonly node: GraphNode;
  readonly place: PlacedNode;
}

function toView({ nodes, lines, stubs }: GraphLayout): string {
  const corners = [...nodes, ...stubs, ...lines.map(({ label }) => label)].flatMap(({ x, y, width, height }) => [
    { x: x - width / 2, y: y - height / 2 },
    { x: x + width / 2, y: y + height / 2 },
  ]);
  const points = [...corners, ...lines.flatMap((line) => line.points)];
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

function renderPath(graph: Graph, { edges, points }: PlacedLine): string {
  const [last, before] = [points.at(-1), points.at(-2)];
  if (last === undefined || before === undefined) return "";
  const angle = round((Math.atan2(last.y - before.y, last.x - before.x) * 180) / Math.PI);
  const own = edges.flatMap((index) => graph.edges[index] ?? []);
  const isAlways = (test: (edge: Graph["edges"][number]) => boolean) => own.length > 0 && own.every(test);
  const dashes = isAlways(({ passing }) => passing)
    ? ' stroke-dasharray="2 3"'
    : isAlways(isAfterFailure)
      ? ' stroke-dasharray="5 4"'
      : "";
  const head = `<path d="M0 0L-8 -4L-8 4z" fill="${LINE}" transform="translate(${round(last.x)} ${round(last.y)}) rotate(${angle})"/>`;
  return `<path d="${toPath(points)}" fill="none" stroke="${LINE}" stroke-width="1.5"${dashes}/>${head}`;
}

/** Renders the texts of a line below each other, on a ground that hides the line. */
function renderLabel(graph: Graph, { edges, label }: PlacedLine): readonly string[] {
  const texts = edges.map((index) => toLabel(graph, index)).filter((text) => text !== "");
  if (texts.length === 0) return [];
  return [renderGround(label), ...texts.map((text, row) => renderText(text, label, row))];
}

function renderGround({ x, y, width, height }: Box): string {
  return `<rect x="${round(x - width / 2)}" y="${round(y - height / 2)}" width="${round(width)}" height="${round(height)}" fill="#ffffff"/>`;
}

function renderText(text: string, { x, y, height }: Box, row: number): string {
  const baseline = y - height / 2 + (row + 0.5) * METRICS.line + 4;
  return `<text x="${round(x)}" y="${round(baseline)}" text-anchor="middle" fill="${MUTED}">${toText(text)}</text>`;
}

/** Renders an event that many states handle; an image cannot unfold it, so that their names are its title. */
function renderStub(graph: Graph, stub: PlacedStub): string {
  const names = stub.edges.flatMap((index) => graph.edges[index]?.from ?? []);
  const title = `<title>${escapeHtml(names.join(", "))}</title>`;
  return `<g>${title}${renderGround(stub)}${renderText(stub.text, stub, 0)}</g>`;
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
function toLabel(graph: Graph, index: number): string {
  const edge = graph.edges[index];
  return edge === undefined ? "" : toEdgeLabel(edge);
}

// Control characters and lone surrogates are not allowed in XML at all.
function toText(text: string): string {
  return escapeHtml(
    cut(text)
      .toWellFormed()
      .replaceAll(/[\p{Cc}\uFFFE\uFFFF]/gu, "\uFFFD"),
  );
}
