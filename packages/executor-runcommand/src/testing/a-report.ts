import type { FleetInstanceReport, FleetReportPage } from "../report-page.ts";
import { anId } from "./a-run.ts";

/** Returns an instance of a report that has succeeded, unless overridden. */
export function anInstance(number: number, instance: Partial<FleetInstanceReport> = {}): FleetInstanceReport {
  return { instanceId: anId(number), state: "succeeded", roles: ["webserver"], platform: "linux", ...instance };
}

/** Returns an instance with a typical failure. */
export function aFailure(number: number, instance: Partial<FleetInstanceReport> = {}): FleetInstanceReport {
  const stderrTail = `starting\nfatal: [i-${number}]: UNREACHABLE! after ${number} s\n`;
  return anInstance(number, { state: "failed", code: "COMMAND_FAILED", responseCode: 2, stderrTail, ...instance });
}

/** Returns a page of a run that has ended. */
export function aPage(instances: readonly FleetInstanceReport[], page: Partial<FleetReportPage> = {}): FleetReportPage {
  return { runId: "run-7", instances, ...page };
}

/** The facts of the whole run, as the first page has them. */
export const WHOLE_RUN: Partial<FleetReportPage> = {
  counts: { selected: 3, succeeded: 2, failed: 1, running: 0, skipped: 0, notSent: 0 },
  artifact: { bucket: "artifacts", key: "site/app.zip", versionId: "v1" },
  source: "pipeline",
  startedAt: Date.UTC(2026, 0, 1, 12),
  endedAt: Date.UTC(2026, 0, 1, 12, 4, 12),
};
