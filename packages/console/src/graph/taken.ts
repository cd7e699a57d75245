import type { HistoryEntry, MachineGraph } from "@stackyard/sdk";
import { findWay, type Ways } from "./find-way.ts";

/** The number of times that a stack took the arrows of its machine, and was in its states. */
export interface Taken {
  /** By index of the graph's edges. */
  readonly edges: readonly number[];
  /** Times that the stack was in a state, by its name. */
  readonly states: ReadonlyMap<string, number>;
}

/** The state of a stack before its first event. */
const FIRST_STATE = "INIT";

/**
 * Counts what a history took. The end of a task, a deadline and an approval move a stack by `NEXT` or `FAILED`, which
 * have no line of their own. A line belongs to the shortest way between its two states; of arrows with conditions the
 * history does not say which one it was, so the first counts. Lines that moved nothing count for arrows that stay only.
 */
export function countTaken(graph: MachineGraph, entries: readonly HistoryEntry[]): Taken {
  const ways = entries.flatMap((entry) => (entry.outcome === "applied" ? findTaken(graph, entry) : []));
  const edges = graph.edges.map(() => 0);
  for (const index of ways) edges[index] = (edges[index] ?? 0) + 1;
  return { edges, states: countStates(graph, ways) };
}

/** Counts how often a stack was in each state, by the indexes of the arrows that it took: it has left those in which it began. */
export function countStates({ edges }: Pick<Ways, "edges">, taken: readonly number[]): ReadonlyMap<string, number> {
  const moves = taken.flatMap((index) => edges[index] ?? []).filter(({ from, to }) => from !== to);
  const left = Map.groupBy(moves, ({ from }) => from);
  const entered = Map.groupBy(moves, ({ to }) => to);
  const names = new Set([...left.keys(), ...entered.keys()]);
  return new Map(
    [...names].map((name) => [name, Math.max(left.get(name)?.length ?? 0, entered.get(name)?.length ?? 0)]),
  );
}

function findTaken(graph: MachineGraph, { event, code, from = FIRST_STATE, to }: HistoryEntry): readonly number[] {
  if (to === undefined) return [];
  if (from === to) {
    const index = graph.edges.findIndex((edge) => edge.from === from && edge.to === to && edge.event === event);
    return index === -1 ? [] : [index];
  }
  return findWay(graph, {
    from,
    to,
    events: [event, ...(code === undefined ? ["NEXT", "FAILED"] : ["FAILED", "NEXT"])],
  });
}

/** Returns how often a stack was in a state, such as `12×`. */
export function toTimes(count: number): string {
  return `${count}×`;
}

const THINNEST = 1.5;
const THICKEST = 4;

/** Returns the width of an arrow in pixels: it grows with the logarithm of how often it was taken. */
export function toWidth(count: number): number {
  return count === 0 ? THINNEST : Math.min(THICKEST, 2 + Math.log2(count) / 2);
}
