export {
  type Direction,
  type DrawnEdge,
  type DrawnGraph,
  type DrawnNode,
  type GraphLayout,
  type LayoutOptions,
  METRICS,
  type PlacedEdge,
  type PlacedNode,
  type Point,
  toLabel,
  toLayout,
} from "./layout.ts";
export { isAfterFailure, toPath } from "./path.ts";
export { toPlacedSvg, toSvg } from "./to-svg.ts";
