import type { DrawnEdge } from "./drawn-graph.ts";
import type { Point } from "./graph-layout.ts";

/** A bend begins so many pixels before its corner: a line never strays far from its points. */
const RADIUS = 8;

/** Returns a path of straight lines with rounded corners. */
export function toPath(points: readonly Point[]): string {
  const [first, ...rest] = points;
  if (first === undefined) return "";
  const bends = rest.slice(0, -1).map((corner, index) => {
    const [before, after] = [points[index] ?? corner, rest[index + 1] ?? corner];
    return `L${format(toward(corner, before))}Q${format(corner)} ${format(toward(corner, after))}`;
  });
  return `M${format(first)}${bends.join("")}L${format(rest.at(-1) ?? first)}`;
}

/** Returns the point between two where a bend at the first begins. */
function toward(corner: Point, other: Point): Point {
  const length = Math.hypot(other.x - corner.x, other.y - corner.y);
  const part = length === 0 ? 0 : Math.min(RADIUS, length / 2) / length;
  return { x: corner.x + (other.x - corner.x) * part, y: corner.y + (other.y - corner.y) * part };
}

function format({ x, y }: Point): string {
  return `${round(x)} ${round(y)}`;
}

/** Rounds a length to a tenth of a pixel. */
export function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Events of the engine that follow a failure: their arrows are drawn as exceptions. */
const FAILURES: ReadonlySet<string> = new Set(["FAILED", "TASK_ERROR", "TASK_TIMED_OUT"]);

/** Returns true for an arrow that is taken after a failure only. */
export function isAfterFailure({ event }: Pick<DrawnEdge, "event">): boolean {
  return event !== undefined && FAILURES.has(event);
}
