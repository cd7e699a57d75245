import type { Attempt, Deploy, DeployPlan } from "@stackyard/sdk";
import { countMoved } from "../../design/release/count-moved.ts";

/** Returns the attempts whose log says what a gate has observed. One that a person has settled has no such line. */
export function listOpened(attempts: readonly Attempt[]): readonly Attempt[] {
  return attempts.filter(({ executor, outcome, hasLog }) => executor === "gate" && outcome === "succeeded" && hasLog);
}

/** Returns what a gate has observed when it opened, such as `24h, alarms OK`, from its log; undefined if it did not open. */
export function findObserved(log: string): string | undefined {
  return /^The gate is open: (.+)$/m.exec(log)?.[1];
}

/** Returns the note of the task that has made the plan: it has succeeded, and no deployment is its own. */
export function toPlanNote(
  { task, executor, outcome }: Attempt,
  deploys: readonly Deploy[],
  plan: Pick<DeployPlan, "counts" | "runs"> | undefined,
): string | undefined {
  const isSending = deploys.some((deploy) => deploy.task === task);
  if (plan === undefined || executor !== "deploy" || outcome !== "succeeded" || isSending) return undefined;
  const moved = countMoved(plan);
  const moves = `${moved.toLocaleString("en")} ${moved === 1 ? "stack moves" : "stacks move"}`;
  return `${moves}, ${plan.runs.toLocaleString("en")} ${plan.runs === 1 ? "task" : "tasks"}`;
}
