import type { PlacedNode } from "./layout.ts";

/** A point in the drawing. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A cubic curve: its start, two control points, its end. */
export type Curve = readonly [Point, Point, Point, Point];

/** The ends of an arrow; `lane` counts the arrows between the same two nodes, so that they part. */
export interface RouteInput {
  readonly from: PlacedNode;
  readonly to: PlacedNode;
  readonly lane: number;
  readonly vertical: boolean;
}

// Labels are wider than high, so arrows that run down need more room between them.
const LANE = { horizontal: 26, vertical: 60 };

/** The way of one arrow: straight on to later layers, in a bow beside the nodes to the same or an earlier one, or a loop. */
export function routeEdge({ from, to, lane, vertical }: RouteInput): Curve {
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
