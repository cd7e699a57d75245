import type { Row, RowState, Tally } from "@stackyard/core/rollout";
import type { InstanceState } from "./instance-state.ts";
import type { FleetCounts, FleetInstanceReport } from "./report-page.ts";

/** The code of instances to which a stopped run never sent. */
export const NOT_SENT = "NOT_SENT";

/** Prefix in a tally of the codes of rejected commands among them: those are failures. */
const REFUSED = "NOT_SENT:";

/** What SSM counts against `MaxErrors` (user guide, "Understanding command statuses"). */
const ERRORS: ReadonlySet<string> = new Set(["COMMAND_FAILED", "EXECUTION_TIMEOUT"]);

/** Instances that did not answer, so nothing was run on them. */
const UNREACHABLE: ReadonlySet<string> = new Set(["DELIVERY_TIMEOUT", "UNDELIVERABLE", "SSM_NOT_ONLINE"]);

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
export function toRow(instance: FleetInstanceReport): Row {
  const { instanceId: id, state, code } = instance;
  const isUnsent = state === "not-sent" && code !== undefined;
  const counted = isUnsent ? "unsent" : ROW_STATES[state];
  return { id, wave: 0, try: 1, state: counted, ...(isEndCode(counted) && { code: toCode(instance) }) };
}

/** Failures that stop a run once there are more than its limit. */
export function countErrors({ codes }: Tally): number {
  return sumOf(codes, (code) => ERRORS.has(code));
}

/** Returns the codes of failures that do not stop a run. */
export function listUncounted({ codes }: Tally): readonly string[] {
  return Object.keys(codes).filter((code) => !ERRORS.has(code) && !isUnsentCode(code));
}

/** Counts instances that failed although they were sent to, or should have been. */
export function countFailures({ codes }: Tally, { ignoreUnreachable = false } = {}): number {
  return sumOf(codes, (code) => code !== NOT_SENT && !(ignoreUnreachable && UNREACHABLE.has(code)));
}

/** Counts instances that a run left out because it stopped. */
export function countNotSent({ codes }: Tally): number {
  return codes[NOT_SENT] ?? 0;
}

/** Counts instances with a rejected command. */
export function countRefused({ codes }: Tally): number {
  return sumOf(codes, (code) => code.startsWith(REFUSED));
}

/** Returns why a command was rejected; undefined if none was. */
export function findRefusal({ codes }: Tally): string | undefined {
  return Object.keys(codes)
    .find((code) => code.startsWith(REFUSED))
    ?.slice(REFUSED.length);
}

/** Returns the counts of a report. */
export function toCounts({ waiting, sent, done, failed, skipped, unsent }: Tally): FleetCounts {
  const notSent = waiting + unsent;
  return { selected: done + failed + sent + notSent, succeeded: done, failed, running: sent, skipped, notSent };
}

/** Returns true for a code of instances to which nothing was sent. */
export function isUnsentCode(code: string): boolean {
  return code === NOT_SENT || code.startsWith(REFUSED);
}

function isEndCode(state: RowState): boolean {
  return state === "failed" || state === "unsent";
}

function toCode({ state, code = "COMMAND_FAILED", detailedStatus }: FleetInstanceReport): string {
  return state === "not-sent" && detailedStatus !== undefined ? `${REFUSED}${detailedStatus}` : code;
}

function sumOf(codes: Tally["codes"], isMeant: (code: string) => boolean): number {
  return Object.entries(codes).reduce((sum, [code, count]) => (isMeant(code) ? sum + count : sum), 0);
}

/** Formats the state of a run in one line. */
export function toMessage(tally: Tally): string {
  const { selected, succeeded, failed, running, notSent } = toCounts(tally);
  const parts = [`${succeeded} succeeded`, `${failed} failed`, `${running} running`, `${notSent} waiting`];
  return `${succeeded + failed} of ${selected} instances done: ${parts.join(", ")}.`;
}
