import type { Failed } from "@stackyard/core";
import type { RunCommandConfig } from "./definition.ts";
import type { FleetInstanceReport } from "./fleet-report.ts";
import { type FleetRun, listInstances, type RunState, updateInstances } from "./fleet-run.ts";
import { loadFoundByIds } from "./load-found.ts";
import { type PlanDeps, type PlanInput, toMembers } from "./plan-run.ts";
import { toConcurrency, toCount } from "./to-count.ts";

/**
 * A run that is tried again: exactly the instances that did not succeed are looked at anew and sent to again. What still
 * runs goes on. All pages must be there.
 */
export async function retryRun(
  deps: PlanDeps,
  run: FleetRun,
  { attempt, startedAt }: Pick<PlanInput, "attempt" | "startedAt">,
): Promise<FleetRun | Failed> {
  const { aws, config } = deps;
  const ids = listInstances(run).flatMap((instance) => (isToBeTried(instance) ? [instance.instanceId] : []));
  const planned = toMembers(deps, { startedAt }, await loadFoundByIds(aws, config, ids));
  if ("kind" in planned) return planned;
  const byId = new Map(planned.members.map((member) => [member.instanceId, member]));
  const reset = updateInstances(run, (instance) =>
    isToBeTried(instance) ? (byId.get(instance.instanceId) ?? instance) : instance,
  );
  return { ...reset, state: toFreshState(reset, config, { attempt, startedAt, byInventory: planned.byInventory }) };
}

/** Skipped instances were none of the run's; those that run are still under way. */
function isToBeTried({ state }: FleetInstanceReport): boolean {
  return state === "failed" || state === "cancelled" || state === "not-sent";
}

function toFreshState(
  run: FleetRun,
  { maxConcurrency = "50", maxErrors = 0 }: RunCommandConfig,
  given: Pick<RunState, "attempt" | "startedAt" | "byInventory">,
): RunState {
  const {
    stop: _stop,
    endedAt: _end,
    cancelledAt: _cancel,
    isCancelAsked: _isAsked,
    fleetCommand: _fleet,
    limits: _limits,
    isPinned: _isPinned,
    refusals: _refusals,
    pausedUntil: _pausedUntil,
    ...rest
  } = run.state;
  const selected = listInstances(run).filter(({ state }) => state !== "skipped").length;
  return {
    ...rest,
    ...given,
    way: "ids",
    maxConcurrency: toConcurrency(maxConcurrency, selected),
    maxErrors: toCount(maxErrors, selected),
  };
}
