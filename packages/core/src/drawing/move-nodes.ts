import type { Box, GraphLayout, PlacedLine, Point } from "./graph-layout.ts";
import { toLoop } from "./route-lines.ts";

/** Between lines that join the same two states, in pixels. */
const LANE = 26;

/** Returns a layout in which a person has moved nodes: `moved` has their middles by id. Their lines become straight. */
export function moveNodes(layout: GraphLayout, moved: ReadonlyMap<string, Point>): GraphLayout {
  if (moved.size === 0) return layout;
  const nodes = layout.nodes.map((node) => ({ ...node, ...moved.get(node.id) }));
  const stubs = layout.stubs.map((stub) => ({ ...stub, ...moved.get(stub.id) }));
  const boxes = new Map<string, Box>([...nodes, ...stubs].map((box) => [box.id, box]));
  const lanes = new Map<string, number>();
  const lines = layout.lines.map((line): PlacedLine => {
    const [from, to] = [boxes.get(line.from), boxes.get(line.to)];
    if (from === undefined || to === undefined || !(moved.has(line.from) || moved.has(line.to))) return line;
    const pair = JSON.stringify([line.from, line.to].toSorted());
    const lane = lanes.get(pair) ?? 0;
    lanes.set(pair, lane + 1);
    return { ...line, ...toStraight(from, to, line.label, lane) };
  });
  return { ...layout, nodes, stubs, lines };
}

/** Returns a straight way between the borders of two states; `lane` parts those that join the same two. */
function toStraight(from: Box, to: Box, label: Box, lane: number): Pick<PlacedLine, "points" | "label"> {
  if (from === to) {
    const moved = { ...label, x: from.x, y: from.y + from.height / 2 + LANE * (lane + 1) };
    return { points: toLoop(from, moved, "right"), label: moved };
  }
  const [start, end] = [toBorder(from, to), toBorder(to, from)];
  const length = Math.hypot(end.x - start.x, end.y - start.y) || 1;
  const away = { x: (-(end.y - start.y) / length) * LANE * lane, y: ((end.x - start.x) / length) * LANE * lane };
  const middle = { x: (start.x + end.x) / 2 + away.x, y: (start.y + end.y) / 2 + away.y };
  return { points: lane === 0 ? [start, end] : [start, middle, end], label: { ...label, ...middle } };
}

/** Returns where the line from the middle of one box to that of another leaves the first. */
function toBorder({ x, y, width, height }: Box, { x: toX, y: toY }: Point): Point {
  const [dx, dy] = [toX - x, toY - y];
  const scale = Math.min(width / 2 / (Math.abs(dx) || 1e-9), height / 2 / (Math.abs(dy) || 1e-9), 1);
  return { x: x + dx * scale, y: y + dy * scale };
}
