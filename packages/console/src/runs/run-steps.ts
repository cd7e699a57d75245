import type { HistoryEntry } from "@stackyard/sdk";
import type { Job } from "@stackyard/sdk/jobs";
import { findEnd } from "../api/attempt-ids.ts";
import type { Step } from "../design/run/steps.tsx";
import { formatDuration } from "../text/durations.ts";
import type { AttemptBar } from "./attempt-bars.ts";

/** Returns the attempts of a job as parts of its picture, and what it waits for. */
export function toAttemptSteps(
  { state }: Pick<Job, "state">,
  bars: readonly AttemptBar[],
  { history, now }: { history: readonly HistoryEntry[]; now: number },
): readonly Step[] {
  const steps = bars.map((bar): Step => {
    const { attemptId, number, status, from, to = now, hasLog } = bar;
    const code = findEnd(history, { attemptId })?.code;
    return {
      key: attemptId,
      name: `Attempt ${number}`,
      status,
      note: [formatDuration(to - from), code].filter((part) => part !== undefined).join(", "),
      ...(hasLog && { link: { path: "/log", search: { attempt: attemptId } } }),
    };
  });
  if (state !== "waiting" || bars.some(({ to }) => to === undefined)) return steps;
  return [
    ...steps,
    { key: "next", name: bars.length === 0 ? "Start" : "Next attempt", status: "waiting", note: "waits for a worker" },
  ];
}
