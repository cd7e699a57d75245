import { join } from "node:path";
import { matchesGlob } from "@stackyard/core";
import { type Difference, formatDifferences } from "../plan/differences.ts";
import { loadIgnoring } from "../plan/ignored-changes.ts";
import type { ResourceChange } from "../plan/plan-document.ts";
import { loadPlanDocument } from "../plan/plan-guard.ts";
import { makePlan } from "../plan/plan-run.ts";
import { TerraformFailure } from "./failure.ts";
import { prepareRun } from "./prepare-run.ts";
import type { RunOutputs, StagedRun } from "./staged-run.ts";

/** Compares the resources with the state, without changing either. Fails with TerraformFailure. */
export async function detectDrift(run: StagedRun): Promise<RunOutputs> {
  await prepareRun(run);
  const { file, hasChanges } = await makePlan(run, { refreshOnly: true });
  const { drift } = hasChanges ? await loadPlanDocument(run, file) : { drift: [] };
  const found = findDrift(await withoutIgnored(run, drift), run.config.ignore ?? []);
  const summary = toDriftSummary(found);
  run.ctx.report(summary);
  return { outputs: { drifted: found.length > 0, summary }, sensitive: [] };
}

/** Leaves out differences in `ignore_changes`: those that a plan would not change back. */
async function withoutIgnored(run: StagedRun, drift: readonly ResourceChange[]): Promise<readonly ResourceChange[]> {
  const ignoring = drift.length === 0 ? new Set() : await loadIgnoring(join(run.folder, "module"));
  const mayBeIgnored = ({ type, name, actions }: ResourceChange) =>
    ignoring.has(`${type}.${name}`) && !actions.includes("delete");
  if (!drift.some(mayBeIgnored)) return drift;
  const changes = await planChanges(run);
  const unchanged = new Set(changes.filter(({ actions }) => actions[0] === "no-op").map(({ address }) => address));
  return drift.filter((change) => !mayBeIgnored(change) || !unchanged.has(change.address));
}

async function planChanges(run: StagedRun): Promise<readonly ResourceChange[]> {
  try {
    const { file } = await makePlan(run, {});
    return (await loadPlanDocument(run, file)).changes;
  } catch (error) {
    // Such as of `prevent_destroy`. All differences then count.
    if (error instanceof TerraformFailure && error.code === "TERRAFORM_PLAN_FAILED") return [];
    throw error;
  }
}

/**
 * Returns the resources that were changed or deleted outside of Terraform, without ignored ones. `ignore` contains
 * `address:attribute`; a star matches any characters, and `:*` also ignores a deletion.
 */
export function findDrift(drift: readonly ResourceChange[], ignore: readonly string[]): readonly Difference[] {
  const isIgnored = (address: string, attribute: string) =>
    ignore.some((pattern) => matchesGlob(pattern, `${address}:${attribute}`));
  return drift.flatMap(({ address, actions, changedAttributes }) => {
    if (actions.includes("delete")) return isIgnored(address, "") ? [] : [{ address, attributes: [] }];
    // A resource that was only moved to another address has no difference.
    const attributes = changedAttributes.filter((attribute) => !isIgnored(address, attribute));
    return attributes.length === 0 ? [] : [{ address, attributes }];
  });
}

/** Formats one line, then one for each resource: its address, and the names of the changed attributes. */
export function toDriftSummary(found: readonly Difference[]): string {
  if (found.length === 0) return "No drift.";
  const resources = found.length === 1 ? "1 resource differs" : `${found.length} resources differ`;
  return [`${resources} from the state.`, ...formatDifferences(found)].join("\n");
}
