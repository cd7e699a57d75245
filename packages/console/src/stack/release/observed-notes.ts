import { isMap } from "@stackyard/core";
import type { Attempt, DeployPlan, HistoryEntry } from "@stackyard/sdk";
import { countMoved } from "../../design/release/count-moved.ts";

/** Returns what gates have observed when they opened, such as `24h, alarms OK`, by attempt. One that a person has settled has observed nothing. */
export function listObserved(
  attempts: readonly Attempt[],
  entries: readonly HistoryEntry[],
): readonly (readonly [string, string])[] {
  return attempts.flatMap(({ executor, attemptId }) => {
    const outputs = executor === "gate" ? findOutputs(entries, attemptId) : undefined;
    const observed = isMap(outputs) ? outputs["observed"] : undefined;
    return typeof observed === "string" ? [[attemptId, observed] as const] : [];
  });
}

function findOutputs(entries: readonly HistoryEntry[], attemptId: string): unknown {
  return entries.find(({ eventId }) => eventId === `result:${attemptId}`)?.outputs;
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
