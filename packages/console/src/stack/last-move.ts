import { nameSender } from "@stackyard/core";
import type { Attempt, HistoryEntry, MetadataValue } from "@stackyard/sdk";
import { findEnd } from "../api/attempt-ids.ts";

/** The event from outside that last moved a stack, and the line before it. */
export interface LastMove {
  readonly move: HistoryEntry;
  /** The last line before it: the stack then is what the event found. */
  readonly before: HistoryEntry;
  /** Who sent it, with the id where two people of the lines have one name; undefined: not known. */
  readonly by: string | undefined;
}

/**
 * Returns the last event from outside that moved a stack between two states: what the stack is now follows from it.
 * Results of tasks and timers move a stack on by themselves. Undefined for the event that created it, and where the
 * lines before are not loaded.
 */
export function findLastMove(newestFirst: readonly HistoryEntry[]): LastMove | undefined {
  const index = newestFirst.findIndex(
    ({ outcome, internal, timer, raisedBy, from, to }) =>
      outcome === "applied" &&
      internal !== true &&
      timer === undefined &&
      raisedBy === undefined &&
      from !== undefined &&
      to !== from,
  );
  const [move, before] = [newestFirst[index], newestFirst[index + 1]];
  if (move === undefined || before === undefined) return undefined;
  return { move, before, by: nameSender(move, newestFirst) };
}

/** What an event has brought. */
export interface Brought {
  readonly values: Readonly<Record<string, MetadataValue>>;
  /** The keys whose values the history hides: they must be entered again. */
  readonly hidden: readonly string[];
}

/** Returns what an event has brought, with the types of its values. */
export function toBrought({ metadata }: HistoryEntry): Brought {
  if (typeof metadata !== "object" || metadata === null) return { values: {}, hidden: [] };
  const entries = Object.entries(metadata);
  const values = entries.flatMap(([key, value]): [string, MetadataValue][] =>
    value !== "***" && isMetadataValue(value) ? [[key, value]] : [],
  );
  return {
    values: Object.fromEntries(values),
    hidden: entries.flatMap(([key, value]) => (value === "***" ? [key] : [])),
  };
}

function isMetadataValue(value: unknown): value is MetadataValue {
  return value === null || ["string", "number", "boolean"].includes(typeof value);
}

/** Returns how long the last attempt of a task that succeeded before an instant took, in milliseconds. */
export function findEarlierMs(
  task: string,
  before: string,
  attempts: readonly Attempt[],
  history: readonly HistoryEntry[],
): number | undefined {
  const succeeded = attempts
    .filter((one) => one.task === task && one.outcome === "succeeded" && one.dispatchedAt < before)
    .toSorted((a, b) => (a.dispatchedAt < b.dispatchedAt ? 1 : -1));
  for (const attempt of succeeded) {
    const end = findEnd(history, attempt);
    if (end !== undefined) return Date.parse(end.at) - Date.parse(attempt.dispatchedAt);
  }
  return undefined;
}
