import { Graph, layout } from "@dagrejs/dagre";
import { cutText } from "../machine/cut-text.ts";
import type { DrawnEdge, DrawnGraph, DrawnNode } from "./drawn-graph.ts";
import { foldGraph, type Line, toCondition, type Unfolded } from "./fold-graph.ts";
import type { Box, Direction, GraphLayout, PlacedLine, Point } from "./graph-layout.ts";
import { measureText } from "./measure-text.ts";
import { routeLines } from "./route-lines.ts";

/** Lengths in pixels that layout and drawing share. */
export const METRICS = {
  title: 22,
  line: 18,
  padding: 10,
  marker: 16,
  /** Room for a text at the right of a name, such as `attempt 3`, and for one that is only a number, such as `12×`. */
  note: 84,
  times: 20,
  /** Longer texts are cut. */
  maxCharacters: 32,
} as const;

/** Between two states that follow each other, besides the text of the arrow, in pixels. */
const RANKS = 64;
const CLOSE_RANKS = 34;

/** Between two lines at a side of a state, in pixels. */
const PORT = 12;

/** The options of a layout. */
export interface LayoutOptions {
  readonly direction: Direction;
  /** Leaves room for notes at states and tasks. */
  readonly notes?: boolean;
  /** The only state whose notes are more than a number. What has been is drawn closer then, so that a page shows all of it. */
  readonly present?: string;
  /** The events that are drawn as their single arrows although many states handle them alike. */
  readonly unfolded?: Unfolded;
  /** Returns the text of an arrow by its index. Default: `toLabel`. */
  readonly labelOf?: (index: number) => string;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Returns the places of a graph's nodes and arrows. The same graph has the same layout. */
export function toLayout(drawn: DrawnGraph, options: LayoutOptions): GraphLayout {
  const { direction, notes = false, present, unfolded } = options;
  const { nodes, edges } = drawn;
  const labelOf = options.labelOf ?? ((index: number) => toLabel(edges[index]));
  const { lines, stubs } = foldGraph(drawn, unfolded);
  const graph = new Graph({ multigraph: true });
  graph.setGraph({
    rankdir: direction === "right" ? "LR" : "TB",
    nodesep: 28,
    edgesep: 16,
    ranksep: present !== undefined && direction === "right" ? CLOSE_RANKS : RANKS,
    marginx: 12,
    marginy: 12,
  });
  // Names come from documents, and dagre keeps nodes by id in plain objects: `__proto__` must not become a key.
  const ids = new Map([...nodes, ...stubs].map(({ id }, index) => [id, `n${index}`]));
  const idOf = (name: string) => ids.get(name) ?? "";
  const setNode = (id: string, size: Size) => graph.setNode(idOf(id), withPorts(size, id, lines, direction));
  for (const node of nodes) setNode(node.id, toSize(node, notes ? toNoteRoom(node, present) : 0));
  for (const { id, text } of stubs) setNode(id, toTextSize([cut(text)]));
  for (const [index, { from, to, edges: own }] of lines.entries()) {
    const size = toTextSize(own.map((edge) => cut(labelOf(edge))).filter(Boolean));
    graph.setEdge(idOf(from), idOf(to), { ...size, labelpos: "c" }, String(index));
  }
  layout(graph);
  const { width = 0, height = 0 } = graph.graph() as Partial<Size>;
  const toPlaced = <Node extends { readonly id: string }>(node: Node): Node & Box => {
    const { x, y, width: w, height: h } = graph.node(idOf(node.id)) as Box;
    return { ...node, x, y, width: w, height: h };
  };
  const placed = nodes.map(({ id }) => toPlaced({ id }));
  const placedStubs = stubs.map(toPlaced);
  const found = lines.map((line, index): PlacedLine => {
    const edge = graph.edge(idOf(line.from), idOf(line.to), String(index)) as Partial<Box> & { points: Point[] };
    const middle = edge.points[Math.floor(edge.points.length / 2)] ?? { x: 0, y: 0 };
    const { x = middle.x, y = middle.y, width: w = 0, height: h = 0 } = edge;
    return { ...line, points: edge.points, label: { x, y, width: w, height: h } };
  });
  return {
    width,
    height,
    nodes: placed,
    stubs: placedStubs,
    lines: routeLines({ boxes: [...placed, ...placedStubs], lines: found, direction }),
  };
}

/** Returns a size at which the lines of each side of a node are apart. */
function withPorts({ width, height }: Size, id: string, lines: readonly Line[], direction: Direction): Size {
  const ends = [lines.filter(({ from }) => from === id), lines.filter(({ to }) => to === id)];
  const room = (Math.max(...ends.map(({ length }) => length)) + 1) * PORT;
  return direction === "right" ? { width, height: Math.max(height, room) } : { width: Math.max(width, room), height };
}

/** Returns the size of texts below each other. */
function toTextSize(texts: readonly string[]): Size {
  if (texts.length === 0) return { width: 0, height: 0 };
  const width = Math.max(...texts.map((text) => measureText(text)));
  return { width, height: texts.length * METRICS.line };
}

/** Returns the text of an arrow, such as `FAILED after 2h`. The table contains its condition. */
export function toLabel(edge: DrawnEdge | undefined): string {
  const { event = "", after, when } = edge ?? {};
  return `${event}${after === undefined ? "" : ` after ${after}`}${toCondition(when)}`;
}

/** Returns the room for the note of a node. */
function toNoteRoom({ id }: DrawnNode, present: string | undefined): number {
  return present === undefined || present === id ? METRICS.note : METRICS.times;
}

/** Returns the size of a node. */
function toSize({ kind, id, tasks = [] }: DrawnNode, noteRoom: number): Size {
  if (kind !== "state") return { width: METRICS.marker, height: METRICS.marker };
  // Left of each text is room for the shape of a status.
  const text = Math.max(measureText(cut(id), true), ...tasks.map((task) => measureText(cut(task))), 40);
  const width = text + 2 * METRICS.padding + 20 + noteRoom;
  return { width, height: METRICS.title + tasks.length * METRICS.line + 2 * METRICS.padding };
}

/** Returns the part of a text that fits into a drawing. */
export function cut(text: string): string {
  return cutText(text, METRICS.maxCharacters);
}
