import type { PlacedNode } from "./layout.ts";

/** A point in the drawing. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A cubic curve and where its label stands. */
export interface Route {
  readonly points: readonly [Point, Point, Point, Point];
  readonly label: Point;
}

/** The ends of an arrow; `lane` counts the arrows between the same two nodes, so that they part. */
export interface RouteInput {
  readonly from: PlacedNode;
  readonly to: PlacedNode;
  readonly lane: number;
  readonly vertical: boolean;
}

const LANE = 26;

/** The way of one arrow: straight on to later layers, in a bow beside the nodes to the same or an earlier one, or a loop. */
export function routeEdge({ from, to, lane, vertical }: RouteInput): Route {
  // Everything is reckoned as if the drawing grew to the right, and turned over at the end.
  const [a, b] = vertical ? [flipBox(from), flipBox(to)] : [from, to];
  const points = from === to ? toLoop(a, lane) : b.x > a.x + a.width ? toForward(a, b, lane) : toBackward(a, b, lane);
  const turned: Route["points"] = vertical
    ? [flip(points[0]), flip(points[1]), flip(points[2]), flip(points[3])]
    : points;
  return { points: turned, label: toMiddle(turned) };
}

type Area = Pick<PlacedNode, "x" | "y" | "width" | "height">;

function toForward(a: Area, b: Area, lane: number): Route["points"] {
  const start = { x: a.x + a.width, y: a.y + a.height / 2 };
  const end = { x: b.x, y: b.y + b.height / 2 };
  const bend = (end.x - start.x) / 2;
  const away = lane * LANE;
  return [start, { x: start.x + bend, y: start.y + away }, { x: end.x - bend, y: end.y + away }, end];
}

function toBackward(a: Area, b: Area, lane: number): Route["points"] {
  const start = { x: a.x + a.width / 2, y: a.y + a.height };
  const end = { x: b.x + b.width / 2, y: b.y + b.height };
  const away = 60 + lane * LANE + Math.abs(start.x - end.x) / 8;
  const lowest = Math.max(start.y, end.y) + away;
  return [start, { x: start.x, y: lowest }, { x: end.x, y: lowest }, end];
}

function toLoop(a: Area, lane: number): Route["points"] {
  const middle = a.x + a.width / 2;
  const reach = 34 + lane * LANE;
  const [left, right] = [middle - 16, middle + 16];
  return [
    { x: right, y: a.y },
    { x: right + reach, y: a.y - reach },
    { x: left - reach, y: a.y - reach },
    { x: left, y: a.y },
  ];
}

// The curve's point at one half.
function toMiddle([a, b, c, d]: Route["points"]): Point {
  return { x: (a.x + 3 * b.x + 3 * c.x + d.x) / 8, y: (a.y + 3 * b.y + 3 * c.y + d.y) / 8 };
}

function flip({ x, y }: Point): Point {
  return { x: y, y: x };
}

function flipBox({ x, y, width, height }: Area): Area {
  return { x: y, y: x, width: height, height: width };
}
