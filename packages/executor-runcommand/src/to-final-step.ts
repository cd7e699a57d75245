import { type Failed, failed, type Succeeded, succeeded } from "@stackyard/core";
import type { RunCommandConfig, RunCommandOutputs } from "./definition.ts";
import { type FleetRun, listInstances, tallyOf } from "./fleet-run.ts";
import { isFinalStatus } from "./is-final-status.ts";
import { findRefusedStop } from "./next-action.ts";
import { countFailures, countRefused, type Tally, toCounts } from "./tally.ts";
import { toCount } from "./to-count.ts";
import { toVerdict } from "./to-verdict.ts";

/** What the end of a run is made of. */
export interface FinalStepInput {
  readonly config: RunCommandConfig;
  readonly reportUrl: string | undefined;
}

/** The last step of a run. */
export function toFinalStep(
  run: FleetRun,
  { config, reportUrl }: FinalStepInput,
): Succeeded<RunCommandOutputs> | Failed {
  const tally = tallyOf(run);
  const outputs = toOutputs(run, tally, reportUrl);
  const empty = findEmptyFault(run, config, outputs);
  if (empty !== undefined) return failed({ ...empty, outputs });
  if (outputs.selected === 0) return succeeded(outputs);
  const timedOut = config.instance === undefined ? undefined : findAgentTimeout(run);
  if (timedOut !== undefined) return failed({ ...timedOut, outputs });
  const stop = run.state.stop ?? findRefusedStop(tally);
  const verdict = toVerdict({ ...run.state, maxErrors: findMaxErrors(run, outputs), ...(stop && { stop }) }, tally, {
    ignoreUnreachable: config.ignoreUnreachable === true,
  });
  if (verdict.kind === "failed") {
    const { code, message, retryable } = verdict;
    return failed({ code, message, retryable, outputs });
  }
  const incomplete = findIncomplete(run, tally);
  return incomplete === undefined ? succeeded(outputs) : failed({ ...incomplete, retryable: false, outputs });
}

/** Where SSM has found the instances, how many a share of them is was not known before. */
function findMaxErrors({ state }: FleetRun, { selected }: RunCommandOutputs): number {
  return state.limits === undefined ? state.maxErrors : toCount(state.limits.maxErrors, selected);
}

/** The counts of a run, as its step gives them. */
export function toOutputs({ state }: FleetRun, tally: Tally, reportUrl: string | undefined): RunCommandOutputs {
  const { selected, succeeded: done, failed: bad, skipped } = toCounts(tally);
  const address = reportUrl?.replaceAll("{runId}", encodeURIComponent(state.runId));
  return {
    runId: state.runId,
    selected,
    succeeded: done,
    failed: bad + countRefused(tally),
    skipped,
    reportUrl: address ?? `urn:stackyard:run:${state.runId}`,
  };
}

interface Fault {
  readonly code: string;
  readonly message: string;
}

function findEmptyFault(
  run: FleetRun,
  config: RunCommandConfig,
  { selected, skipped }: RunCommandOutputs,
): (Fault & { readonly retryable: boolean }) | undefined {
  const { stop, cancelledAt } = run.state;
  const isAllowed = config.allowEmpty === true || config.instance !== undefined;
  if (selected > 0 || cancelledAt !== undefined) return undefined;
  if (stop !== undefined && stop.code !== "NO_INSTANCES") return stop;
  if (isAllowed) return undefined;
  const left = skipped === 0 ? "" : ` ${skipped} were skipped: look at the report.`;
  const message = `No instance is part of the run.${left} Look at tags, states and the region.`;
  return { code: "NO_INSTANCES", message, retryable: false };
}

function findAgentTimeout(run: FleetRun): (Fault & { readonly retryable: boolean }) | undefined {
  const [instance] = listInstances(run);
  if (instance?.code !== "SSM_AGENT_TIMEOUT") return undefined;
  const message = `The agent of ${instance.instanceId} did not register in time. Look at its network, its instance profile and the agent.`;
  return { code: "SSM_AGENT_TIMEOUT", message, retryable: true };
}

/** SSM's own word on a command for a whole fleet, where no instance of the report says why. */
function findIncomplete({ state }: FleetRun, tally: Tally): Fault | undefined {
  const { fleetCommand } = state;
  const status = fleetCommand?.status;
  if (status === undefined || !isFinalStatus(status) || status === "Success" || countFailures(tally) > 0)
    return undefined;
  return { code: "COMMAND_FAILED", message: `SSM ended the command as ${status}.` };
}
