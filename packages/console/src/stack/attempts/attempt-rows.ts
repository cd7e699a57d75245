import type { Attempt, HistoryEntry, StackDetails } from "@stackyard/sdk";
import { toTaskStatus } from "../../api/status.ts";
import type { Status } from "../../design/mark.tsx";
import { type AttemptBar, toAttemptBars } from "../../runs/attempt-bars.ts";

/** A task of the present state with its attempts since the state was entered. */
export interface AttemptRow {
  readonly task: string;
  readonly status: Status;
  /** In order. */
  readonly bars: readonly AttemptBar[];
  /** Since when a failed task waits for a person. */
  readonly stuckSince?: number;
}

/**
 * Returns the tasks of the present state, each with its attempts.
 */
export function toAttemptRows(
  { tasks, enteredAt }: Pick<StackDetails, "tasks" | "enteredAt">,
  attempts: readonly Attempt[],
  history: readonly HistoryEntry[],
): readonly AttemptRow[] {
  const since = Date.parse(enteredAt);
  return tasks.map((task) => {
    const own = attempts.filter(
      ({ task: name, dispatchedAt }) => name === task.name && Date.parse(dispatchedAt) >= since,
    );
    const bars = toAttemptBars(own, history);
    const last = bars.at(-1);
    const status = toTaskStatus(task);
    const stuckSince = status === "failed" ? (last?.to ?? last?.from) : undefined;
    return { task: task.name, status, bars, ...(stuckSince !== undefined && { stuckSince }) };
  });
}
