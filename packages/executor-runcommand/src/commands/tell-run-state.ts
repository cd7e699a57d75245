import type { Run } from "@stackyard/sdk/runs";
import type { FleetCounts } from "../fleet-report.ts";
import { toCell } from "../report/clean-text.ts";

/** How a run stands, in one line. */
export function tellRun(run: Run, isPlan = false): string {
  const { runId, state, error } = run;
  const what = isPlan ? "The plan" : `Run ${runId}`;
  if (error !== undefined) return `${what} has failed, ${toCell(error.code)}: ${toCell(error.message, 1_000)}`;
  if (state === "cancelled") return `${what} was cancelled.`;
  if (state === "succeeded") return isPlan ? "A plan: nothing was sent." : `${what} has succeeded.`;
  const message = run.message === undefined ? "" : ` ${toCell(run.message, 200)}`;
  return `${what} is ${run.cancelling === true ? "being cancelled" : state}.${message}`;
}

/** How far it is, in one line: a live one, so short. */
export function tellProgress({ runId, state, message, cancelling }: Run, counts: FleetCounts | undefined): string {
  const standing = cancelling === true ? "being cancelled" : state;
  if (counts === undefined) return `${runId}  ${standing}  ${toCell(message ?? "", 120)}`.trimEnd();
  const { selected, succeeded, failed, running, notSent } = counts;
  const parts = [
    `${succeeded + failed} of ${selected} done`,
    `${failed} failed`,
    ...(running === 0 ? [] : [`${running} running`]),
    ...(notSent === 0 ? [] : [`${notSent} to be sent`]),
  ];
  return `${runId}  ${standing}  ${parts.join(", ")}`;
}
