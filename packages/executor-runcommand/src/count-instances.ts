import type { Row, RowState, Stop, Tally } from "@stackyard/core/rollout";
import type { InstanceState } from "./instance-state.ts";
import type { FleetCounts, FleetInstanceReport } from "./report-page.ts";

/** The code of an instance that was stopped or terminated while its command was running. */
export const INSTANCE_GONE = "INSTANCE_GONE";

/** The code of instances to which a stopped run never sent. */
export const NOT_SENT = "NOT_SENT";

/** Prefix in a tally of the codes of rejected commands among them: those are failures. */
const REFUSED = "NOT_SENT:";

/** The codes that SSM counts against `MaxErrors` (user guide, "Understanding command statuses"). */
const ERRORS: ReadonlySet<string> = new Set(["COMMAND_FAILED", "EXECUTION_TIMEOUT"]);

/** Instances that did not answer, so nothing was run on them. */
const UNREACHABLE: ReadonlySet<string> = new Set(["DELIVERY_TIMEOUT", "UNDELIVERABLE", "SSM_NOT_ONLINE"]);

/** Instances that were stopped or terminated while their command was running. */
const GONE: ReadonlySet<string> = new Set([INSTANCE_GONE]);

const ROW_STATES: Readonly<Record<InstanceState, RowState>> = {
  succeeded: "done",
  failed: "failed",
  cancelled: "failed",
  running: "sent",
  "not-sent": "waiting",
  skipped: "skipped",
};

/** Returns true for an instance that did not answer, so that nothing was run on it. */
export function isUnreachable({ code = "" }: FleetInstanceReport): boolean {
  return UNREACHABLE.has(code);
}

/** Returns the view of an instance that its rollout counts. */
export function toRow({ state, code, detailedStatus }: FleetInstanceReport): Row {
  if (state === "not-sent" && code !== undefined) {
    return { wave: 0, state: "unsent", code: detailedStatus === undefined ? code : `${REFUSED}${detailedStatus}` };
  }
  // Only the codes of failed and unsent instances are counted.
  return { wave: 0, state: ROW_STATES[state], code: code ?? "COMMAND_FAILED" };
}

/** Failures that stop a run once there are more than its limit. */
export function countErrors({ codes }: Tally): number {
  return sumOf(codes, ERRORS);
}

/** Counts instances that failed although they were sent to, or should have been. */
export function countFailures(tally: Tally, { ignoreUnreachable = false, ignoreGone = false } = {}): number {
  const unreachable = ignoreUnreachable ? sumOf(tally.codes, UNREACHABLE) : 0;
  const gone = ignoreGone ? sumOf(tally.codes, GONE) : 0;
  return tally.failed + countRefused(tally) - unreachable - gone;
}

/** Counts instances that a run left out because it stopped. */
export function countNotSent({ codes }: Tally): number {
  return codes[NOT_SENT] ?? 0;
}

/** Counts instances with a rejected command. */
export function countRefused(tally: Tally): number {
  return tally.unsent - countNotSent(tally);
}

/** Returns the rejection, which the instances show if the process died before the run was written. */
export function findRefusedStop({ codes }: Tally): Stop | undefined {
  const refused = Object.keys(codes).find((code) => code.startsWith(REFUSED));
  if (refused === undefined) return undefined;
  const code = refused.slice(REFUSED.length);
  const retryable = code === "SSM_THROTTLED" || code === "AWS_UNAVAILABLE";
  return { code, message: `A command was refused: ${code}.`, retryable };
}

/** Returns the counts of a report. */
export function toCounts({ waiting, sent, done, failed, skipped, unsent }: Tally): FleetCounts {
  const notSent = waiting + unsent;
  return { selected: done + failed + sent + notSent, succeeded: done, failed, running: sent, skipped, notSent };
}

function sumOf(codes: Tally["codes"], meant: ReadonlySet<string>): number {
  return [...meant].reduce((sum, code) => sum + (codes[code] ?? 0), 0);
}

/** Formats the state of a run in one line. */
export function toMessage(tally: Tally): string {
  const { selected, succeeded, failed, running, notSent } = toCounts(tally);
  const parts = [`${succeeded} succeeded`, `${failed} failed`, `${running} running`, `${notSent} waiting`];
  return `${succeeded + failed} of ${selected} instances done: ${parts.join(", ")}.`;
}
