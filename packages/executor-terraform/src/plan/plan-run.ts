import { join } from "node:path";
import { defined, keepStartBytes, type Plan } from "@stackyard/core";
import { prepareRun } from "../run/prepare-run.ts";
import { checkUnsavedRuns } from "../run/recorded-run.ts";
import type { RunOutputs, StagedRun } from "../run/staged-run.ts";
import { callStream, type StreamEnd, toCallFailure } from "../run/terraform-call.ts";
import { withoutDefaultTags } from "../settings.ts";
import { findInventory } from "../state/inventory.ts";
import { listResources } from "../state/list-resources.ts";
import { withLockHolder } from "../state/yard-state.ts";
import { findDifferences, formatDifferences } from "./differences.ts";
import { countChanges, type PlanCounts, type PlanDocument, toPlanSummary } from "./plan-document.ts";
import { estimatePlan, loadPlanDocument, loadPrices, reviewPlan } from "./plan-guard.ts";
import { checkSaving, openSavedPlan, savePlan } from "./saved-plans.ts";

/** `plan -detailed-exitcode`: there is something to do. */
const CHANGES = 2;

interface PlanOptions {
  readonly destroy?: boolean;
  /** True to only compare the resources with the state. Default: false. */
  readonly refreshOnly?: boolean;
  /** Default: true. */
  readonly lock?: boolean;
  /** The name of the plan's file. Default: `made.tfplan`. */
  readonly name?: string;
}

/** A plan in the folder of the run. */
interface MadePlan extends StreamEnd {
  readonly file: string;
  /** False if nothing would change, not even outputs. */
  readonly hasChanges: boolean;
}

/** Runs `plan` into a file. Fails with TERRAFORM_PLAN_FAILED, TERRAFORM_STATE_LOCKED, TERRAFORM_CANCELLED. */
export async function makePlan(run: StagedRun, options: PlanOptions): Promise<MadePlan> {
  const { destroy = false, refreshOnly = false, lock = true, name = "made.tfplan" } = options;
  const file = join(run.folder, name);
  const end = await callStream(run, {
    command: "plan",
    arguments: [
      ...["-json", "-no-color", "-input=false", "-detailed-exitcode", `-out=${file}`],
      lock ? `-lock-timeout=${run.settings.lockTimeout}` : "-lock=false",
      ...(destroy ? ["-destroy", ...run.destroyArguments] : []),
      ...(refreshOnly ? ["-refresh-only"] : []),
    ],
  });
  if (end.code === 0 || end.code === CHANGES) return { ...end, file, hasChanges: end.code === CHANGES };
  const code = "TERRAFORM_PLAN_FAILED";
  throw await withLockHolder(run, toCallFailure({ command: "terraform plan", code, end, mask: run.mask }));
}

/** Makes a plan, reviews it, and saves it sealed. Fails with TerraformFailure. */
export async function planRun(run: StagedRun): Promise<RunOutputs> {
  await checkSaving(run.ctx);
  await prepareRun(run);
  const {
    file,
    hasChanges,
    forgets,
    imports,
    vanished,
    summary: logged,
  } = await makePlan(run, {
    destroy: run.config.destroy ?? false,
  });
  const document = await loadPlanDocument(run, file);
  const { problems, cost } = await reviewPlan(run, document);
  const { failedChecks } = document;
  for (const check of failedChecks) run.ctx.report(check);
  const plan = await savePlan(run, { file, forgets, imports });
  const counts = countChanges(document.changes);
  const isTagging = hasChanges && (await changesOnlyTags(run, counts));
  const summary = isTagging ? "Nothing would change but Stackyard's tags." : toSummary(document, hasChanges);
  // Infracost estimates the whole; its figures and those of the project's prices are never mixed.
  const prices = cost?.source.startsWith("infracost") === true ? undefined : await loadPrices(run, document.changes);
  // The program's own may be the same.
  if (summary !== logged) run.ctx.report(summary);
  if (!isTagging) reportDifferences(run, document);
  return {
    outputs: defined({
      plan,
      ...counts,
      vanished: vanished.size,
      failed_checks: failedChecks.length,
      unchanged: !hasChanges || isTagging,
      summary,
      resources: listResources(document.changes, prices) || undefined,
      problems: keepStartBytes([...problems, ...failedChecks].join("\n"), MAX_PROBLEMS_BYTES),
      monthly_cost: cost?.monthly,
      unpriced: cost?.unpriced,
      cost_source: cost?.source,
    }),
    sensitive: [],
  };
}

/** Names the attributes that would change: the program's own lines name only resources. */
function reportDifferences({ ctx }: StagedRun, { changes }: PlanDocument): void {
  const lines = formatDifferences(findDifferences(changes));
  if (lines.length > 0) ctx.report(["Attributes that would change:", ...lines].join("\n"));
}

/**
 * Returns true for a plan of resources that the yard has not changed yet, as of an environment that is taken over, when it
 * would only add the yard's tags: the yard's own additions do not count. The next apply adds them.
 */
async function changesOnlyTags(run: StagedRun, { changes, ...others }: PlanCounts): Promise<boolean> {
  if (changes === 0 || Object.values(others).some((count) => count > 0)) return false;
  if ((await findInventory(run.ctx, run.stateKey)) !== undefined) return false;
  const untagged = { ...run, environment: withoutDefaultTags(run.environment) };
  return !(await makePlan(untagged, { name: "untagged.tfplan" })).hasChanges;
}

/** Outputs have 64 KiB in all. */
const MAX_PROBLEMS_BYTES = 16 * 1024;

function toSummary({ changes }: PlanDocument, hasChanges: boolean): string {
  if (!hasChanges) return "Nothing would change.";
  const counts = countChanges(changes);
  const changed = Object.values(counts).some((count) => count > 0);
  return changed ? toPlanSummary(counts) : "Only outputs would change.";
}

/**
 * Plans what a task would do. Takes no lock: a dry run must neither wait for a run nor delay one. Fails with
 * TerraformFailure.
 */
export async function previewRun(run: StagedRun): Promise<Plan> {
  const { action, plan, destroy = action === "destroy" } = run.config;
  if (action === "drift") return { summary: "Compares the resources with the state.", unchanged: true };
  await checkUnsavedRuns(run);
  const saved = plan === undefined ? undefined : await openSavedPlan(run, plan);
  await prepareRun(run);
  if (saved !== undefined) {
    const document = await loadPlanDocument(run, saved.file);
    const cost = await estimatePlan(run, document.changes);
    return { summary: toSummary(document, true), details: { ...countChanges(document.changes) }, ...defined({ cost }) };
  }
  const made = await makePlan(run, { destroy, lock: false });
  if (run.settings.pricesFile === undefined) return toPlan(made);
  const { changes } = await loadPlanDocument(run, made.file);
  return { ...toPlan(made), ...defined({ cost: await estimatePlan(run, changes) }) };
}

function toPlan({ hasChanges, counts, summary, planned, forgets }: MadePlan): Plan {
  const { add = 0, change = 0, remove = 0, import: imported = 0 } = counts ?? {};
  const forget = forgets.length;
  // Terraform does not count them, OpenTofu does.
  const isMissing = forget > 0 && !summary.includes("to forget");
  const counted = isMissing ? summary.replace(/\.?$/, `, ${forget} to forget.`) : summary;
  return {
    summary: hasChanges ? counted || "Only outputs would change." : "Nothing would change.",
    unchanged: !hasChanges,
    details: { add, change, remove, import: imported, forget, resources: planned },
  };
}
