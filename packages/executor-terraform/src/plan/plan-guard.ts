import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { isStackyardError, matchesGlob, type PlanCost } from "@stackyard/core";
import { TerraformFailure } from "../run/failure.ts";
import type { StagedRun } from "../run/staged-run.ts";
import { callTerraform, toCallFailure } from "../run/terraform-call.ts";
import { findImported } from "../state/inventory.ts";
import { runConftest } from "./conftest.ts";
import { estimateWithInfracost } from "./infracost.ts";
import {
  countChanges,
  isDeletion,
  isForget,
  onlyRemoves,
  type PlanDocument,
  type ResourceChange,
  readPlanDocument,
} from "./plan-document.ts";
import { evaluatePolicies } from "./policies.ts";
import { openPolicies } from "./policy-source.ts";
import { estimateCost, type PriceList, parsePrices } from "./prices.ts";

/** Reads a plan file by `show -json`. Fails with TERRAFORM_PLAN_FAILED, TERRAFORM_PLAN_TOO_LARGE, TERRAFORM_CANCELLED. */
export async function loadPlanDocument(run: StagedRun, planFile: string): Promise<PlanDocument> {
  // The one line that it prints is too long for the reader of lines: it is read from the file of the call.
  const call = { command: "show", arguments: ["-json", "-no-color", planFile] } as const;
  const end = await callTerraform(run, call, () => undefined);
  const code = "TERRAFORM_PLAN_FAILED";
  if (end.code !== 0) throw toCallFailure({ command: "terraform show", code, end, mask: run.mask });
  const from = { path: join(run.folder, "show.out") };
  const document = await readPlanDocument(from, run.mask, run.ctx.signal).catch((error: unknown) => {
    if (!isStackyardError(error, "PAYLOAD_TOO_LARGE")) throw error;
    throw new TerraformFailure("TERRAFORM_PLAN_TOO_LARGE", `${error.message} Split the configuration.`);
  });
  if (document !== undefined) return document;
  throw new TerraformFailure(code, "terraform show did not print a whole plan.");
}

/** Returns true if a run must check its plan before applying it. */
export async function isGuarded(run: StagedRun): Promise<boolean> {
  const { policies, protect = [] } = run.config;
  return policies !== undefined || protect.length > 0 || (await findImported(run)).size > 0;
}

/** Throws TERRAFORM_PROTECTED or TERRAFORM_POLICY_DENIED if the plan must not be applied. */
export async function checkPlan(run: StagedRun, planFile: string): Promise<void> {
  if (!(await isGuarded(run))) return;
  const { changes } = await loadPlanDocument(run, planFile);
  checkProtected(await listLosses(run, changes));
  if (run.config.policies !== undefined) await checkPolicies(run, changes, await estimatePlan(run, changes));
}

/**
 * Reviews a plan that is only saved: returns its costs and problems of one line each, protected resources among them.
 * Throws TERRAFORM_POLICY_DENIED.
 */
export async function reviewPlan(run: StagedRun, { changes }: PlanDocument) {
  const cost = await estimatePlan(run, changes);
  const found = await checkPolicies(run, changes, cost);
  const lost = (await listLosses(run, changes)).map(toLossText);
  return { cost, problems: [...lost, ...found] };
}

/** Returns the findings of the task's policies, one line each. Throws TERRAFORM_POLICY_DENIED. */
async function checkPolicies(
  run: StagedRun,
  changes: readonly ResourceChange[],
  cost: PlanCost | undefined,
): Promise<readonly string[]> {
  const { policies } = run.config;
  if (policies === undefined) return [];
  const plan = { ...countChanges(changes), monthly_cost: cost?.monthly ?? null, unpriced: cost?.unpriced ?? null };
  const { folder, files } = await openPolicies(run, policies, { onlyRemoves: onlyRemoves(changes) });
  const found = [
    ...evaluatePolicies(files, { plan, changes }),
    ...(policies.conftest === true ? await runConftest(run, { folder, changes }) : []),
  ];
  for (const { level, text } of found) run.ctx.report(`${level}: ${text}`);
  const errors = found.filter(({ level }) => level === "error").map(({ text }) => text);
  if (errors.length > 0 && policies.onProblems !== "report") {
    throw new TerraformFailure("TERRAFORM_POLICY_DENIED", `The policies deny the plan:\n${errors.join("\n")}`);
  }
  return found.map(({ level, text }) => (level === "warning" ? `warning: ${text}` : text));
}

/** Returns the costs of the resources after the plan; undefined without prices. Fails with TERRAFORM_PRICES_INVALID. */
export async function estimatePlan(run: StagedRun, changes: readonly ResourceChange[]): Promise<PlanCost | undefined> {
  if (!run.settings.usesInfracost) return estimateByPrices(run, changes);
  const estimate = await estimateWithInfracost(run, changes);
  if (estimate.kind === "estimated") return estimate.cost;
  const cost = await estimateByPrices(run, changes);
  return cost && { ...cost, source: `${cost.source} (${estimate.reason})` };
}

async function estimateByPrices(run: StagedRun, changes: readonly ResourceChange[]): Promise<PlanCost | undefined> {
  const { pricesFile } = run.settings;
  const prices = await loadPrices(run, changes);
  if (pricesFile === undefined || prices === undefined) return undefined;
  const { monthly, unpriced } = estimateCost(prices, changes);
  const types = [...unpriced].map(([type, count]) => `${type} (${count})`);
  if (types.length > 0) run.ctx.report(`Without a price: ${types.slice(0, MAX_NAMED).join(", ")}`);
  const count = [...unpriced.values()].reduce((sum, each) => sum + each, 0);
  return { monthly, currency: "USD", unpriced: count, source: `${basename(pricesFile)} ${prices.asOf}` };
}

/**
 * Loads the prices of the project; undefined where it has none. Fails with TERRAFORM_PRICES_INVALID, unless the plan only
 * removes: that needs no prices.
 */
export async function loadPrices(
  { settings: { pricesFile }, ctx }: StagedRun,
  changes: readonly ResourceChange[],
): Promise<PriceList | undefined> {
  if (pricesFile === undefined) return undefined;
  try {
    return parsePrices(basename(pricesFile), await readPrices(pricesFile));
  } catch (error) {
    if (!(error instanceof TerraformFailure) || !onlyRemoves(changes)) throw error;
    ctx.report(`No prices: ${error.message}`);
    return undefined;
  }
}

function readPrices(path: string): Promise<string> {
  return readFile(path, "utf8").catch((cause: unknown) => {
    throw new TerraformFailure("TERRAFORM_PRICES_INVALID", `${path} cannot be read.`, { cause });
  });
}

/** A change that must not be made. */
interface Loss {
  readonly change: ResourceChange;
  /** Why its resource is kept. */
  readonly kept: "protected" | "imported";
}

/**
 * Lists the changes that delete, replace or forget a resource whose address, now or before a move, matches `protect`, or that
 * delete or replace one that an import has brought into the state.
 */
async function listLosses(run: StagedRun, changes: readonly ResourceChange[]): Promise<readonly Loss[]> {
  const { protect = [] } = run.config;
  const imported = await findImported(run);
  return changes.flatMap((change): readonly Loss[] => {
    const { address, previousAddress = address } = change;
    const isListed = [address, previousAddress].some((each) => protect.some((glob) => matchesGlob(glob, each)));
    if (isListed && (isDeletion(change) || isForget(change))) return [{ change, kept: "protected" }];
    return isDeletion(change) && imported.has(previousAddress) ? [{ change, kept: "imported" }] : [];
  });
}

/** More addresses would hide the sentence. */
const MAX_NAMED = 20;

/** Throws TERRAFORM_PROTECTED when something would be lost. */
function checkProtected(found: readonly Loss[]): void {
  if (found.length === 0) return;
  const named = found.slice(0, MAX_NAMED).map(toLossText);
  const more = found.length > MAX_NAMED ? [`and ${found.length - MAX_NAMED} more`] : [];
  const text = `Protected resources would be lost, so nothing was changed:\n${[...named, ...more].join("\n")}`;
  throw new TerraformFailure("TERRAFORM_PROTECTED", text);
}

/** Formats one line about a resource that is kept. */
function toLossText({ change, kept }: Loss): string {
  const { address, actions } = change;
  const fate = actions.includes("create") ? "replaced" : isForget(change) ? "forgotten" : "deleted";
  if (kept === "protected") return `${address} is protected and would be ${fate}.`;
  return `${address} existed before it was imported and would be ${fate}: remove it from the state by a "removed" block, or set destroyImported: true.`;
}
