import type { Attempt, DeployPlan, HistoryEntry } from "@stackyard/sdk";
import { countMoved } from "../../design/release/count-moved.ts";
import type { Plain } from "../../machine/edits/operation.ts";
import type { OutlineTask } from "../../machine/outline.ts";

/**
 * Returns what tasks have observed once they have succeeded, by name: a gate succeeds only when all its conditions hold
 * at once, so its config is what it has observed; a plan has the counts of `plan`.
 */
export function toObservedNotes(
  tasks: readonly Pick<OutlineTask, "name" | "executor" | "value">[],
  plan?: Pick<DeployPlan, "counts" | "runs">,
): ReadonlyMap<string, string> {
  return new Map(
    tasks.flatMap(({ name, executor, value }): [string, string][] => {
      const config = at(value, "config");
      const note = executor === "gate" ? toGateNote(config) : executor === "deploy" ? toPlanNote(config, plan) : "";
      return note === "" ? [] : [[name, note]];
    }),
  );
}

/** Returns true for a success that the task itself has had: no person has settled it by hand since it was sent. */
export function isOwnSuccess({ task, outcome, dispatchedAt }: Attempt, entries: readonly HistoryEntry[]): boolean {
  const sentAt = Date.parse(dispatchedAt);
  const isSettled = entries.some(
    (entry) => entry.event === "SETTLE_TASK" && entry.task === task && Date.parse(entry.at) >= sentAt,
  );
  return outcome === "succeeded" && !isSettled;
}

function toGateNote(config: Plain | undefined): string {
  const duration = at(at(config, "soak"), "for");
  return [
    ...(at(config, "turn") === undefined ? [] : ["no newer release"]),
    // An expression was evaluated for the attempt alone.
    ...(typeof duration === "string" && !duration.includes("${") ? [duration] : []),
    ...(at(config, "alarms") === undefined ? [] : ["alarms OK"]),
    ...(at(config, "artifacts") === undefined ? [] : ["artifacts arrived"]),
  ].join(", ");
}

function toPlanNote(config: Plain | undefined, plan: Pick<DeployPlan, "counts" | "runs"> | undefined): string {
  if (at(config, "op") !== "plan" || plan === undefined) return "";
  const moved = countMoved(plan);
  const moves = `${moved.toLocaleString("en")} ${moved === 1 ? "stack moves" : "stacks move"}`;
  return `${moves}, ${plan.runs.toLocaleString("en")} ${plan.runs === 1 ? "task" : "tasks"}`;
}

function at(value: Plain | undefined, key: string): Plain | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.entries(value).find(([name]) => name === key)?.[1];
}
