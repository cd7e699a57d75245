import { isMap } from "@stackyard/core";
import type { Attempt, DeployPlan, HistoryEntry } from "@stackyard/sdk";
import { countMoved } from "../../design/release/count-moved.ts";

/** Returns the attempts whose log says what a gate has observed. One that a person has settled has no such line. */
export function listOpened(attempts: readonly Attempt[]): readonly Attempt[] {
  return attempts.filter(({ executor, outcome, hasLog }) => executor === "gate" && outcome === "succeeded" && hasLog);
}

/** Returns what a gate has observed when it opened, such as `24h, alarms OK`, from its log; undefined if it did not open. */
export function findObserved(log: string): string | undefined {
  return /^The gate is open: (.+)$/m.exec(log)?.[1];
}

/** Returns the attempt that has made a plan: its result in the history has the digest. */
export function findPlanner(
  attempts: readonly Attempt[],
  entries: readonly HistoryEntry[],
  digest: string | undefined,
): Attempt | undefined {
  const made = entries.find(({ outputs }) => digest !== undefined && isMap(outputs) && outputs["digest"] === digest);
  return made && attempts.find(({ attemptId }) => made.eventId === `result:${attemptId}`);
}

/** Returns what a plan does, such as `84 stacks move, 252 tasks, 2 cannot move`. */
export function formatPlanNote(plan: Pick<DeployPlan, "counts" | "runs" | "hidden">): string {
  const { runs, hidden, counts } = plan;
  const moved = countMoved(plan);
  return [
    `${moved.toLocaleString("en")} ${moved === 1 ? "stack moves" : "stacks move"}`,
    `${runs.toLocaleString("en")} ${runs === 1 ? "task" : "tasks"}`,
    ...(counts.fails === 0 ? [] : [`${counts.fails.toLocaleString("en")} cannot move`]),
    ...(hidden === 0 ? [] : [`${hidden.toLocaleString("en")} you may not read`]),
  ].join(", ");
}
