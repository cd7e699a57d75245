import { Graph, layout } from "@dagrejs/dagre";

/** What is drawn of a state or a marker. */
export interface DrawnNode {
  readonly kind: "start" | "end" | "state";
  readonly id: string;
  readonly tasks?: readonly string[] | undefined;
}

/** What is drawn of an arrow. */
export interface DrawnEdge {
  readonly from: string;
  readonly to: string;
  readonly event?: string | undefined;
  readonly when?: string | undefined;
  readonly after?: string | undefined;
}

/** A graph to be drawn: that of core, or that of the API. */
export interface DrawnGraph {
  readonly nodes: readonly DrawnNode[];
  readonly edges: readonly DrawnEdge[];
}

/** Which way a graph grows. */
export type Direction = "right" | "down";

/** A point of a drawing in pixels. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A node with its place; `x` and `y` are its middle. */
export interface PlacedNode extends Point {
  readonly id: string;
  readonly width: number;
  readonly height: number;
}

/** An arrow in the order of the graph's edges. `label` is the middle of its text. */
export interface PlacedEdge {
  readonly points: readonly Point[];
  readonly label: Point;
}

/** Where everything of a graph is drawn. */
export interface GraphLayout {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
}

/** Lengths in pixels that layout and drawing share. */
export const METRICS = {
  character: 7.6,
  label: 6.4,
  title: 22,
  line: 18,
  padding: 10,
  marker: 16,
  /** Room for a short text at the right of a name, such as `3 attempts`, and for how often an arrow was taken. */
  note: 84,
  times: 30,
  /** Longer texts are cut. */
  maxCharacters: 32,
} as const;

/** How a graph is laid out. */
export interface LayoutOptions {
  readonly direction: Direction;
  /** Leaves room for the notes of a stack: at states, tasks and arrows. */
  readonly notes?: boolean;
  /** Returns the text of an arrow by its index. Default: `toLabel`. */
  readonly labelOf?: (index: number) => string;
}

/** Returns the places of a graph's nodes and arrows. The same graph has the same layout. */
export function toLayout({ nodes, edges }: DrawnGraph, options: LayoutOptions): GraphLayout {
  const { direction, notes = false, labelOf } = options;
  const graph = new Graph({ multigraph: true });
  graph.setGraph({
    rankdir: direction === "right" ? "LR" : "TB",
    nodesep: 28,
    edgesep: 16,
    ranksep: 44,
    marginx: 12,
    marginy: 12,
  });
  // Names come from documents, and dagre keeps nodes by id in plain objects: `__proto__` must not become a key.
  const ids = new Map(nodes.map(({ id }, index) => [id, `n${index}`]));
  const idOf = (name: string) => ids.get(name) ?? "";
  const drawn = edges.map((edge) => ids.has(edge.from) && ids.has(edge.to));
  for (const node of nodes) graph.setNode(idOf(node.id), toSize(node, notes));
  for (const [index, edge] of edges.entries()) {
    if (!drawn[index]) continue;
    const label = labelOf?.(index) ?? toLabel(edge);
    const text = Math.min(label.length, METRICS.maxCharacters) * METRICS.label;
    const width = notes && text > 0 ? text + METRICS.times : text;
    graph.setEdge(
      idOf(edge.from),
      idOf(edge.to),
      { width, height: width === 0 ? 0 : METRICS.line, labelpos: "c" },
      String(index),
    );
  }
  layout(graph);
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  const toPlaced = (id: string): PlacedNode => {
    const { x, y, width: w, height: h } = graph.node(idOf(id)) as PlacedNode;
    return { id, x, y, width: w, height: h };
  };
  return {
    width,
    height,
    nodes: nodes.map(({ id }) => toPlaced(id)),
    edges: edges.map(({ from, to }, index) => {
      if (!drawn[index]) return { points: [], label: { x: 0, y: 0 } };
      const placed = graph.edge(idOf(from), idOf(to), String(index)) as { points: Point[]; x?: number; y?: number };
      const middle = placed.points[Math.floor(placed.points.length / 2)] ?? { x: 0, y: 0 };
      const label = { x: placed.x ?? middle.x, y: placed.y ?? middle.y };
      const points = from === to ? toLoop(toPlaced(from), label, direction) : placed.points;
      return { points: points.map(({ x, y }) => ({ x, y })), label };
    }),
  };
}

const LOOP_PX = 10;

/** Returns a loop from a state around the arrow's text and back. The loops of dagre do not touch their state. */
export function toLoop({ x, y, width, height }: PlacedNode, label: Point, direction: Direction): readonly Point[] {
  if (direction === "down") {
    const right = x + width / 2;
    const [above, below] = [y - LOOP_PX, y + LOOP_PX];
    return [
      { x: right, y: above },
      { x: label.x, y: above },
      { x: label.x, y: below },
      { x: right, y: below },
    ];
  }
  const bottom = y + height / 2;
  const [left, right] = [x - LOOP_PX, x + LOOP_PX];
  return [
    { x: left, y: bottom },
    { x: left, y: label.y },
    { x: right, y: label.y },
    { x: right, y: bottom },
  ];
}

/** Returns the text of an arrow, such as `FAILED after 2h`. The table contains its condition. */
export function toLabel({ event, after, when }: DrawnEdge): string {
  const time = after === undefined ? "" : ` after ${after}`;
  return `${event ?? ""}${time}${when === undefined ? "" : when === "else" ? " else" : " if"}`;
}

/** Returns the size of a node. */
export function toSize({ kind, id, tasks = [] }: DrawnNode, notes: boolean): { width: number; height: number } {
  if (kind !== "state") return { width: METRICS.marker, height: METRICS.marker };
  const lengths = [id, ...tasks].map((text) => Math.min(text.length, METRICS.maxCharacters));
  // Left of each text is room for the shape of a status.
  const text = Math.max(...lengths, 5) * METRICS.character + 2 * METRICS.padding + 20;
  const width = notes ? text + METRICS.note : text;
  return { width, height: METRICS.title + tasks.length * METRICS.line + 2 * METRICS.padding };
}
