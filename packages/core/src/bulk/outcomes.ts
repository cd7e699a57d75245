import type { BulkOutcome } from "./bulk.ts";

/** The outcomes of an item that has become what was asked. An event that is parked is applied as soon as its stack handles it. */
const AS_ASKED: readonly BulkOutcome[] = ["applied", "removed", "parked", "redriven", "dismissed", "withdrawn"];
const ASKED: ReadonlySet<string> = new Set(AS_ASKED);

/**
 * Returns true if an item of a bulk has become what was asked, by its outcome. Of one that was gone, or whose event was not decided in time,
 * that is not known; nor of an outcome of a newer server.
 */
export function isAsAsked(outcome: string): boolean {
  return ASKED.has(outcome);
}

/** Returns how many items of a bulk have an outcome that is not what was asked. */
export function countNotAsAsked(counts: Readonly<Record<string, number>>): number {
  return Object.entries(counts).reduce((sum, [outcome, count]) => sum + (isAsAsked(outcome) ? 0 : count), 0);
}
