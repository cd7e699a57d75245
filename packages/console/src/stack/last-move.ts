import { nameSender } from "@stackyard/core";
import type { Attempt, HistoryEntry } from "@stackyard/sdk";
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

/** Returns the metadata of an event as texts of a form. Hidden values are left out: they must be entered again. */
export function toFormTexts({ metadata }: HistoryEntry): Readonly<Record<string, string>> {
  if (typeof metadata !== "object" || metadata === null) return {};
  const entries = Object.entries(metadata).flatMap(([key, value]): [string, string][] => {
    if (value === "***" || value === null || typeof value === "object") return [];
    return [[key, String(value)]];
  });
  return Object.fromEntries(entries);
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
