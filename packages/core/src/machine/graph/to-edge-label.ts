import type { GraphEdge } from "./to-graph.ts";

/** What is written at an arrow, such as `FAILED [when stack.visits.BUILD < 3]`; empty where nothing is. */
export function toEdgeLabel({ event, when, after }: GraphEdge): string {
  if (event === undefined) return "";
  const time = after === undefined ? "" : ` (after ${after})`;
  return `${event}${time}${when === undefined ? "" : ` ${toCondition(when)}`}`;
}

const MAX_CONDITION = 60;

function toCondition(when: string): string {
  if (when === "else") return "[else]";
  const line = when.replaceAll(/\s+/g, " ");
  return `[when ${line.length > MAX_CONDITION ? `${line.slice(0, MAX_CONDITION - 1)}…` : line}]`;
}
