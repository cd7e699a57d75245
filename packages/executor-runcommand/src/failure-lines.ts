import { keepStart } from "@stackyard/core";
import { toPlainStatus } from "./instance-state.ts";
import type { FleetInstanceReport } from "./report-page.ts";

const MAX_LINES = 20;

/** Formats a line for each failed instance, the first twenty of them. */
export function toFailureLines(ended: readonly FleetInstanceReport[]): readonly string[] {
  const failures = ended.filter(({ state }) => state === "failed" || state === "cancelled");
  const lines = failures.slice(0, MAX_LINES).map(toLine);
  const left = failures.length - lines.length;
  return left > 0 ? [...lines, `… and ${left} more failed; the report has them all.`] : lines;
}

function toLine(report: FleetInstanceReport): string {
  const { instanceId, code, responseCode, stderrTail, stdoutTail } = report;
  const hasExit = responseCode !== undefined && responseCode >= 0;
  const exit = hasExit ? `, exit code ${responseCode}` : toStatusText(report);
  const said = toLastLine(stderrTail) || toLastLine(stdoutTail);
  return `${instanceId}: ${code}${exit}${said === "" ? "" : `: ${said}`}`;
}

/** Statuses that a code names already, or that say nothing more. */
const USUAL = /^(success|failed|(delivery|execution)?timedout|undeliverable|cancell?ed|terminated|pending|inprogress)$/;

/** Formats SSM's own status of a command that never ran, which people look up. */
function toStatusText({ detailedStatus = "" }: FleetInstanceReport): string {
  const plain = toPlainStatus(detailedStatus);
  return plain === "" || USUAL.test(plain) ? "" : ` (${detailedStatus})`;
}

function toLastLine(text = ""): string {
  return keepStart((text.trimEnd().split("\n").at(-1) ?? "").trim(), 200);
}
