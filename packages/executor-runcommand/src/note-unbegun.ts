import type { FleetInstanceReport } from "./fleet-report.ts";
import { type FleetRun, listInstances, type RunStop, toWaiting, updateInstances } from "./fleet-run.ts";
import { isFinalStatus } from "./is-final-status.ts";
import type { SentCommand } from "./ssm/find-commands.ts";
import type { Invocation } from "./ssm/list-invocations.ts";

/** SSM lists what it has begun some seconds late; who is missing for longer than that has not been begun. */
const LISTED_WITHIN_MS = 15_000;

/** Commands that SSM did not take up because the account has too many are sent again, so often and after this pause. */
const MAX_REFUSALS = 20;
const REFUSAL_PAUSE_MS = 30_000;

/** Commands of which some instances are missing in what SSM lists. */
export function findUnbegun(run: FleetRun, invocations: readonly Invocation[], now: number): readonly string[] {
  if (run.state.way === "targets") return [];
  const listed = toKeys(invocations);
  const commandIds = listInstances(run).flatMap((instance) =>
    isMissing(instance, listed) && now - (instance.startedAt ?? now) >= LISTED_WITHIN_MS ? [instance.commandId] : [],
  );
  return [...new Set(commandIds)].filter((commandId) => commandId !== undefined);
}

/**
 * The run without those whom SSM will not begin, because their command has ended. Where the account had too many invocations
 * under way (`Rate Exceeded`), they wait again.
 */
export function noteUnbegun(
  run: FleetRun,
  { commandId, status }: Pick<SentCommand, "commandId" | "status">,
  { invocations, now }: { readonly invocations: readonly Invocation[]; readonly now: number },
): FleetRun {
  if (!isFinalStatus(status)) return run;
  const listed = toKeys(invocations);
  const isRefused = toPlain(status) === "rateexceeded";
  const noted = updateInstances(run, (instance) => {
    if (instance.commandId !== commandId || !isMissing(instance, listed)) return instance;
    return isRefused ? toWaiting(instance) : toEnded(instance, status, now);
  });
  if (!isRefused) return noted;
  const refusals = (run.state.refusals ?? 0) + 1;
  const stop = refusals > MAX_REFUSALS && run.state.stop === undefined ? { stop: RATE_EXCEEDED } : {};
  return { ...noted, state: { ...noted.state, refusals, pausedUntil: now + REFUSAL_PAUSE_MS, ...stop } };
}

/** Why nothing more is sent to an account that has too many commands under way. */
export const RATE_EXCEEDED: RunStop = {
  code: "SSM_THROTTLED",
  message: "SSM has too many commands under way in this account (Rate Exceeded). Try again later.",
  retryable: true,
};

/** A command that has failed or was cancelled ended these with it; otherwise SSM could not reach them. */
function toEnded(instance: FleetInstanceReport, status: string, now: number): FleetInstanceReport {
  const isTerminated = ["failed", "executiontimedout", "cancelled", "canceled"].includes(toPlain(status));
  const outcome = isTerminated
    ? ({ state: "cancelled", code: "TERMINATED" } as const)
    : ({ state: "failed", code: "UNDELIVERABLE" } as const);
  return { ...instance, ...outcome, detailedStatus: status, endedAt: now };
}

function isMissing({ state, instanceId, commandId }: FleetInstanceReport, listed: ReadonlySet<string>): boolean {
  return state === "running" && !listed.has(`${commandId} ${instanceId}`);
}

function toKeys(invocations: readonly Invocation[]): ReadonlySet<string> {
  return new Set(invocations.map(({ commandId, instanceId }) => `${commandId} ${instanceId}`));
}

function toPlain(status: string): string {
  return status.replace(/\s+/g, "").toLowerCase();
}
