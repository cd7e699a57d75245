import type { Attempt, HistoryEntry } from "@stackyard/sdk";
import type { Job } from "@stackyard/sdk/jobs";
import { type AttemptBar, toAttemptBars } from "./attempt-bars.ts";

/** The attempts of a job on its line of time, in milliseconds. */
export interface RunTimes {
  readonly from: number;
  /** The end of the last one of everything; now while it runs. */
  readonly to: number;
  /** In order, numbered over all retries. */
  readonly bars: readonly AttemptBar[];
}

type Times = Pick<Job, "startedAt" | "endedAt">;

/**
 * Returns when a job waited and was worked. Attempts without a known end have ended with the job, and the line contains
 * attempts that began before it or ended after it.
 */
export function toRunTimes(
  { startedAt, endedAt }: Times,
  { attempts, history, now }: { attempts: readonly Attempt[]; history: readonly HistoryEntry[]; now: number },
): RunTimes {
  const end = endedAt === undefined ? undefined : Date.parse(endedAt);
  const bars = toAttemptBars(attempts, history).map((bar, index) => ({
    ...bar,
    number: index + 1,
    ...(end !== undefined && bar.to === undefined && { to: Math.max(bar.from, end) }),
  }));
  const from = Math.min(Date.parse(startedAt), ...bars.map((bar) => bar.from));
  const to = Math.max(end ?? now, ...bars.map((bar) => bar.to ?? bar.from));
  return { from, to: Math.max(from, to), bars };
}
