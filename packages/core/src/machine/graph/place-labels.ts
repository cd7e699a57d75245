import { METRICS, type PlacedNode } from "./layout.ts";
import type { Curve, Point } from "./route-edge.ts";

/** A curve and the text that stands on it. */
export interface LabelInput {
  readonly curve: Curve;
  readonly text: string;
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

// Parts of the curve to try, its middle first.
const STEPS = [0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74];

/**
 * Where labels stand, the middle of their base line: on their curve, clear of nodes and of labels before them where the
 * curve has such a place, else at its middle.
 */
export function placeLabels(inputs: readonly LabelInput[], nodes: Iterable<PlacedNode>): readonly Point[] {
  const taken: Box[] = [...nodes];
  return inputs.map(({ curve, text }) => {
    const points = STEPS.map((step) => toPoint(curve, step));
    const free = points.find((point) => taken.every((box) => !overlaps(box, toBox(point, text))));
    const point = free ?? toPoint(curve, 0.5);
    taken.push(toBox(point, text));
    return point;
  });
}

function toPoint([a, b, c, d]: Curve, step: number): Point {
  const rest = 1 - step;
  const [wa, wb, wc, wd] = [rest ** 3, 3 * rest ** 2 * step, 3 * rest * step ** 2, step ** 3];
  return { x: wa * a.x + wb * b.x + wc * c.x + wd * d.x, y: wa * a.y + wb * b.y + wc * c.y + wd * d.y - 4 };
}

function toBox({ x, y }: Point, text: string): Box {
  const width = Math.min(text.length, METRICS.maxCharacters) * METRICS.character;
  return { x: x - width / 2, y: y - 12, width, height: 16 };
}

function overlaps(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}
