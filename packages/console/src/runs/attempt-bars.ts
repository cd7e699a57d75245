import type { Attempt, HistoryEntry } from "@stackyard/sdk";
import { findEnd } from "../api/attempt-ids.ts";
import { toAttemptStatus } from "../api/status.ts";
import type { GanttBar } from "../design/charts/gantt.tsx";
import type { Status } from "../design/mark.tsx";

/** An attempt in a timeline. Instants are milliseconds; without an end it runs. */
export interface AttemptBar {
  readonly attemptId: string;
  readonly number: number;
  readonly from: number;
  readonly to?: number;
  readonly status: Status;
  readonly hasLog: boolean;
}

/**
 * Returns the attempts of one task in order. An attempt that has ended and whose line of the history is not loaded ends
 * where the next one begins, or where it began.
 */
export function toAttemptBars(attempts: readonly Attempt[], history: readonly HistoryEntry[]): readonly AttemptBar[] {
  const own = attempts.toSorted((a, b) => a.entry - b.entry || a.attempt - b.attempt);
  return own.map((attempt, index) => toBar(attempt, own[index + 1], history));
}

function toBar(attempt: Attempt, next: Attempt | undefined, history: readonly HistoryEntry[]): AttemptBar {
  const from = Date.parse(attempt.dispatchedAt);
  const { attemptId, attempt: number, hasLog } = attempt;
  const bar = { attemptId, number, from, status: toAttemptStatus(attempt), hasLog };
  if (attempt.status !== "settled") return bar;
  const end = findEnd(history, attempt)?.at ?? next?.dispatchedAt;
  return { ...bar, to: end === undefined ? from : Math.max(from, Date.parse(end)) };
}

/** Returns the bar of an attempt of a task. `linked`: it leads to the log, if there is one. */
export function toGanttBar(task: string, bar: AttemptBar, linked = true): GanttBar {
  const { attemptId, number, from, to, status, hasLog } = bar;
  return {
    key: attemptId,
    text: String(number),
    name: `${task}, attempt ${number}`,
    from,
    status,
    ...(to !== undefined && { to }),
    ...(linked && hasLog && { link: { path: "/log", search: { attempt: attemptId }, word: "its log" } }),
  };
}
