import { type Graph, type GraphNode, START_NODE } from "./to-graph.ts";

/** A node with its place; `x` and `y` are its left upper corner. All lengths are pixels. */
export interface PlacedNode {
  readonly node: GraphNode;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A drawing's nodes by id, and its size. */
export interface Layout {
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

interface Box {
  readonly node: GraphNode;
  readonly width: number;
  readonly height: number;
}

/**
 * Layers by distance from the start marker; what nothing leads to stands in the first layer after it. Inside a layer nodes
 * are sorted by the middle of those before that lead to them. The same graph gives the same layout.
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
  // A map that grows while it is walked is walked to its new end.
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
