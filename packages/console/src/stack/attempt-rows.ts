import type { Attempt, HistoryEntry, StackDetails } from "@stackyard/sdk";
import { findEnd } from "../api/attempt-ids.ts";
import { toAttemptStatus, toTaskStatus } from "../api/status.ts";
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
 * Returns the tasks of the present state, each with its attempts. An attempt that has ended and whose line of the
 * history is not loaded ends where the next one begins, or where it began.
 */
export function toAttemptRows(
  { tasks, enteredAt }: Pick<StackDetails, "tasks" | "enteredAt">,
  attempts: readonly Attempt[],
  history: readonly HistoryEntry[],
): readonly AttemptRow[] {
  const since = Date.parse(enteredAt);
  return tasks.map((task) => {
    const own = attempts
      .filter((attempt) => attempt.task === task.name && Date.parse(attempt.dispatchedAt) >= since)
      .toSorted((a, b) => a.attempt - b.attempt);
    const bars = own.map((attempt, index) => toBar(attempt, own[index + 1], history));
    const last = bars.at(-1);
    const status = toTaskStatus(task);
    const stuckSince = status === "failed" ? (last?.to ?? last?.from) : undefined;
    return { task: task.name, status, bars, ...(stuckSince !== undefined && { stuckSince }) };
  });
}

function toBar(attempt: Attempt, next: Attempt | undefined, history: readonly HistoryEntry[]): AttemptBar {
  const from = Date.parse(attempt.dispatchedAt);
  const { attemptId, attempt: number, hasLog } = attempt;
  const bar = { attemptId, number, from, status: toAttemptStatus(attempt), hasLog };
  if (attempt.status !== "settled") return bar;
  const end = findEnd(history, attempt)?.at ?? next?.dispatchedAt;
  return { ...bar, to: end === undefined ? from : Math.max(from, Date.parse(end)) };
}

const STEPS_MS = [
  1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000, 7_200_000, 21_600_000,
  43_200_000, 86_400_000,
];
const MOST_TICKS = 8;

/** Returns round instants between two, at most eight; those of UTC days where the time is longer than a day. */
export function toTicks(from: number, to: number): readonly number[] {
  const length = Math.max(0, to - from);
  const days = Math.ceil(length / MOST_TICKS / 86_400_000) * 86_400_000;
  const step = STEPS_MS.find((ms) => length / ms <= MOST_TICKS) ?? days;
  const first = Math.ceil(from / step) * step;
  return Array.from({ length: Math.max(0, Math.floor((to - first) / step) + 1) }, (_, index) => first + index * step);
}
