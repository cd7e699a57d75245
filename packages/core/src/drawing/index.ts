export type { DrawnEdge, DrawnGraph, DrawnNode } from "./drawn-graph.ts";
export type { Line, Stub, Unfolded } from "./fold-graph.ts";
export type {
  Box,
  Direction,
  GraphLayout,
  PlacedLine,
  PlacedNode,
  PlacedStub,
  Point,
} from "./graph-layout.ts";
export { cut, type LayoutOptions, METRICS, toLabel, toLayout } from "./layout.ts";
export { moveNodes } from "./move-nodes.ts";
export { isAfterFailure, toPath } from "./path.ts";
export { toPlacedSvg, toSvg } from "./to-svg.ts";
