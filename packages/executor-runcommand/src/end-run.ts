import { type Failed, failed, type Succeeded, succeeded } from "@stackyard/core";
import { listItems, type Stop, type Tally, toCount } from "@stackyard/core/rollout";
import { countFailures, countNotSent, countRefused, findRefusedStop, toCounts } from "./count-instances.ts";
import type { RunCommandConfig, RunCommandOutputs, RunCommandStep } from "./definition.ts";
import { type FleetRun, type RunState, tallyOf } from "./fleet-run.ts";
import { isFinalStatus } from "./instance-state.ts";
import type { StepDeps } from "./step-deps.ts";

/** Ends a run without remaining work. */
export async function endRun(deps: StepDeps, run: FleetRun): Promise<RunCommandStep> {
  const ended = { ...run, state: { ...run.state, endedAt: deps.ctx.clock.now() } };
  await deps.store.save(ended);
  return toEnd(deps, ended);
}

/** Returns the last step of a run that has ended. */
export function toEnd(deps: StepDeps, run: FleetRun): Succeeded<RunCommandOutputs> | Failed {
  const { config } = deps;
  const tally = tallyOf(run);
  const outputs = toOutputs(deps, run);
  const empty = findEmptyFault(run, config, outputs);
  if (empty !== undefined) return failed({ ...empty, outputs });
  if (outputs.selected === 0) return succeeded(outputs);
  const timedOut = config.instance === undefined ? undefined : findAgentTimeout(run);
  if (timedOut !== undefined) return failed({ ...timedOut, outputs });
  const stop = run.state.stop ?? findRefusedStop(tally);
  const state = { ...run.state, maxErrors: findMaxErrors(run, outputs), ...(stop && { stop }) };
  const failure = findFailure(state, tally, config) ?? findIncomplete(run, tally);
  return failure === undefined ? succeeded(outputs) : failed({ ...failure, outputs });
}

/** Returns the error limit. If SSM has found the instances, a share could not be computed before. */
function findMaxErrors({ state }: FleetRun, { selected }: RunCommandOutputs): number {
  return state.limits === undefined ? state.maxErrors : toCount(state.limits.maxErrors, selected);
}

/** Returns the counts of a run for its step. */
export function toOutputs({ options }: StepDeps, run: FleetRun): RunCommandOutputs {
  const { state } = run;
  const tally = tallyOf(run);
  const { selected, succeeded: done, failed: bad, skipped } = toCounts(tally);
  const address = options.reportUrl?.replaceAll("{runId}", encodeURIComponent(state.runId));
  return {
    runId: state.runId,
    selected,
    succeeded: done,
    failed: bad + countRefused(tally),
    skipped,
    reportUrl: address ?? `urn:stackyard:run:${state.runId}`,
  };
}

function findEmptyFault(
  run: FleetRun,
  config: RunCommandConfig,
  { selected, skipped }: RunCommandOutputs,
): Stop | undefined {
  const { stop, cancelledAt } = run.state;
  const isAllowed = config.allowEmpty === true || config.instance !== undefined;
  if (selected > 0 || cancelledAt !== undefined) return undefined;
  if (stop !== undefined && stop.code !== "NO_INSTANCES") return stop;
  if (isAllowed) return undefined;
  const left = skipped === 0 ? "" : ` ${skipped} were skipped: look at the report.`;
  const message = `No instance is part of the run.${left} Look at tags, states and the region.`;
  return { code: "NO_INSTANCES", message, retryable: false };
}

function findAgentTimeout(run: FleetRun): Stop | undefined {
  const [instance] = listItems(run);
  if (instance?.code !== "SSM_AGENT_TIMEOUT") return undefined;
  const message = `The agent of ${instance.instanceId} did not register in time. Look at its network, its instance profile and the agent.`;
  return { code: "SSM_AGENT_TIMEOUT", message, retryable: true };
}

/** Returns SSM's status of a command for a whole fleet if no instance of the report explains it. */
function findIncomplete({ state }: FleetRun, tally: Tally): Stop | undefined {
  const status = state.fleetCommand?.status;
  if (status === undefined || !isFinalStatus(status) || status === "Success" || countFailures(tally) > 0)
    return undefined;
  return { code: "COMMAND_FAILED", message: `SSM ended the command as ${status}.`, retryable: false };
}

/**
 * Returns why a run without remaining work has failed; undefined if at most its limit of instances did. Unreachable instances are failures unless
 * they are ignored, although SSM does not count them: a fleet that is switched off must not pass.
 */
export function findFailure(
  state: Pick<RunState, "stop" | "maxErrors" | "cancelledAt">,
  tally: Tally,
  config: Pick<RunCommandConfig, "ignoreUnreachable" | "ignoreGone">,
): Stop | undefined {
  const failures = countFailures(tally, config);
  const notSent = countNotSent(tally);
  if (state.cancelledAt !== undefined) return cancelled(tally);
  const isWhole = notSent === 0 && tally.sent === 0 && tally.waiting === 0;
  if (isWhole && failures <= state.maxErrors && state.stop === undefined) return undefined;
  const { code, retryable } = findCause(state, tally);
  const left = notSent > 0 ? ` ${notSent} were not sent to.` : "";
  const why = state.stop === undefined ? "" : ` ${state.stop.message}`;
  const message = `${toBreakdown(tally)}${left}${why}`;
  return { code, message, retryable };
}

function cancelled(tally: Tally): Stop {
  const running = tally.sent > 0 ? ` ${tally.sent} still run and end by themselves.` : "";
  const message = `The run was cancelled: ${tally.done} succeeded, ${countNotSent(tally)} were not sent to.${running}`;
  return { code: "RUN_CANCELLED", message, retryable: false };
}

/** Codes that follow from other failures. */
const CONSEQUENCES: ReadonlySet<string> = new Set(["TERMINATED", "NOT_SENT"]);

/** Returns the cause: a rejected command first; else the most frequent code, causes before consequences. */
function findCause(
  { stop }: Pick<RunState, "stop">,
  tally: Tally,
): { readonly code: string; readonly retryable: boolean } {
  if (stop !== undefined && stop.code !== "MAX_ERRORS_EXCEEDED") return stop;
  const [most] = rank(tally);
  return { code: most?.[0] ?? "NOT_SENT", retryable: false };
}

function toBreakdown(tally: Tally): string {
  const parts = rank(tally).map(([code, count]) => `${count} × ${code}`);
  const failed = countFailures(tally);
  return `${failed} of ${failed + tally.done + countNotSent(tally) + tally.sent} instances failed${parts.length === 0 ? "" : ` (${parts.join(", ")})`}.`;
}

function rank({ codes }: Tally): readonly (readonly [string, number])[] {
  return Object.entries(codes)
    .filter(([code, count]) => code !== "NOT_SENT" && count > 0)
    .map(([code, count]) => [code.startsWith("NOT_SENT") ? "NOT_SENT" : code, count] as const)
    .toSorted(
      ([a, m], [b, n]) => Number(CONSEQUENCES.has(a)) - Number(CONSEQUENCES.has(b)) || n - m || (a < b ? -1 : 1),
    );
}
