import type { HistoryEntry, MachineGraph } from "@stackyard/sdk";

/** How often a stack took the arrows of its machine, and was in its states. */
export interface Taken {
  /** By index of the graph's edges. */
  readonly edges: readonly number[];
  /** Times that a state was entered, by its name. */
  readonly states: ReadonlyMap<string, number>;
}

/**
 * Counts what a history took. A line belongs to the first arrow with its two states and its event: of arrows with
 * conditions the history does not say which one it was. Lines that moved nothing count for arrows that stay only.
 */
export function countTaken({ edges }: MachineGraph, entries: readonly HistoryEntry[]): Taken {
  const counts = edges.map(() => 0);
  const states = new Map<string, number>();
  for (const { outcome, from, to, event } of entries) {
    if (outcome !== "applied" || from === undefined || to === undefined) continue;
    const index = edges.findIndex((edge) => edge.from === from && edge.to === to && edge.event === event);
    if (index !== -1) counts[index] = (counts[index] ?? 0) + 1;
    if (from !== to) states.set(to, (states.get(to) ?? 0) + 1);
  }
  return { edges: counts, states };
}

/** Returns how often a state was entered, in words. */
export function toTimes(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}

const THINNEST = 1.5;
const THICKEST = 4;

/** Returns the width of an arrow in pixels: it grows with the logarithm of how often it was taken. */
export function toWidth(count: number): number {
  return count === 0 ? THINNEST : Math.min(THICKEST, 2 + Math.log2(count) / 2);
}
