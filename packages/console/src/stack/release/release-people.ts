import { nameSender } from "@stackyard/core";
import type { HistoryEntry } from "@stackyard/sdk";

/** Who approved a release last. */
export interface GivenApproval {
  readonly at: string;
  /** Each person once, in the order of their approvals. */
  readonly by: readonly string[];
}

/** Returns the last approval of a release, with all who gave theirs in the same visit of its state. Newest line first. */
export function findApproval(entries: readonly HistoryEntry[]): GivenApproval | undefined {
  const newest = entries.findIndex(isApproval);
  const [last, ...older] = entries.slice(newest < 0 ? entries.length : newest);
  if (last === undefined) return undefined;
  const entered = older.findIndex(({ outcome, from, to }) => outcome === "applied" && to !== undefined && from !== to);
  const visit = entered < 0 ? older : older.slice(0, entered);
  const given = [last, ...visit.filter((entry) => isApproval(entry) && entry.task === last.task)].toReversed();
  return { at: last.at, by: [...new Set(given.map((entry) => nameSender(entry, entries) ?? "unknown"))] };
}

/** Returns who sent the first event, which comes from no state; undefined where the lines do not go back so far. */
export function findStarter(entries: readonly HistoryEntry[]): string | undefined {
  const first = entries.findLast(({ outcome, from = "INIT", to }) => {
    return outcome === "applied" && from === "INIT" && to !== undefined;
  });
  return first && nameSender(first, entries);
}

function isApproval({ event, outcome }: HistoryEntry): boolean {
  return event === "APPROVE_TASK" && outcome === "applied";
}
