import type { FleetInstanceReport } from "./fleet-report.ts";
import { type Tally, toCounts } from "./tally.ts";

/** One line on where a run stands. */
export function toMessage(tally: Tally): string {
  const { selected, succeeded, failed, running, notSent } = toCounts(tally);
  const parts = [`${succeeded} succeeded`, `${failed} failed`, `${running} running`, `${notSent} waiting`];
  return `${succeeded + failed} of ${selected} instances done: ${parts.join(", ")}.`;
}

const MAX_LINES = 20;

/** A line on each instance that has failed, the first twenty of them. */
export function toFailureLines(ended: readonly FleetInstanceReport[]): readonly string[] {
  const failures = ended.filter(({ state }) => state === "failed" || state === "cancelled");
  const lines = failures.slice(0, MAX_LINES).map(toLine);
  const left = failures.length - lines.length;
  return left > 0 ? [...lines, `… and ${left} more failed; the report has them all.`] : lines;
}

function toLine({ instanceId, code, responseCode, stderrTail, stdoutTail }: FleetInstanceReport): string {
  const exit = responseCode === undefined || responseCode < 0 ? "" : `, exit code ${responseCode}`;
  const said = toLastLine(stderrTail) || toLastLine(stdoutTail);
  return `${instanceId}: ${code}${exit}${said === "" ? "" : `: ${said}`}`;
}

function toLastLine(text = ""): string {
  return (text.trimEnd().split("\n").at(-1) ?? "").trim().slice(0, 200);
}
