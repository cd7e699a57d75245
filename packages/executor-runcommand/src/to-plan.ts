import type { Plan } from "@stackyard/core";
import { findConfigFault } from "./config-fault.ts";
import type { RunCommandConfig } from "./definition.ts";
import { listInstances, tallyOf } from "./fleet-run.ts";
import { isToBePinned } from "./pin-config.ts";
import { planRun } from "./plan-run.ts";
import { type StepDeps, toPlanDeps, toPlanInput } from "./step-deps.ts";
import { toCounts } from "./tally.ts";

/** Instances that the details of a plan name; the counts are of all. */
const MAX_LISTED = 200;

/** Whom a run would send to. Reads only. */
export async function toPlan(deps: StepDeps): Promise<Plan> {
  const fault = findConfigFault(deps.config);
  if (fault !== undefined) return { summary: `Would fail: ${fault.message}`, details: { code: fault.code } };
  const run = await planRun(toPlanDeps({ ...deps, config: toKnown(deps.config) }), toPlanInput(deps));
  if ("kind" in run) return { summary: `Would fail: ${run.message}`, details: { code: run.code } };
  const { selected, skipped } = toCounts(tallyOf(run));
  const { way, maxConcurrency, maxErrors, limits } = run.state;
  const instances = listInstances(run);
  const whom =
    way === "targets" && instances.length === 0 ? "those that SSM finds by the targets" : `${selected} instances`;
  return {
    summary: `Would send to ${whom}, ${limits?.maxConcurrency ?? maxConcurrency} at once; ${skipped} skipped.`,
    unchanged: way === "ids" && selected === 0,
    details: {
      way,
      selected,
      skipped,
      maxConcurrency: limits?.maxConcurrency ?? maxConcurrency,
      maxErrors: limits?.maxErrors ?? maxErrors,
      instances: instances.slice(0, MAX_LISTED),
    },
  };
}

/** A plan does not read the artifact: any digest stands for its own. */
function toKnown(config: RunCommandConfig): RunCommandConfig {
  const { artifact } = config;
  if (artifact === undefined || !isToBePinned(config)) return config;
  return { ...config, artifact: { ...artifact, sha256: "0".repeat(64) } };
}
