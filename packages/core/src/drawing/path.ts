import type { DrawnEdge, Point } from "./layout.ts";

/** Returns a path of straight lines with rounded corners: each inner point only bends the path. */
export function toPath(points: readonly Point[]): string {
  const [first, ...rest] = points;
  if (first === undefined) return "";
  const bends = rest.slice(0, -1).map((point, index) => {
    const next = rest[index + 1] ?? point;
    return `Q${format(point)} ${format({ x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 })}`;
  });
  return `M${format(first)}${bends.join("")}L${format(rest.at(-1) ?? first)}`;
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

/** Whether an arrow is taken after a failure only. */
export function isAfterFailure({ event }: Pick<DrawnEdge, "event">): boolean {
  return event !== undefined && FAILURES.has(event);
}
