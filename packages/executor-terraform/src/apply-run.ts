import { existsSync } from "node:fs";
import { copyFile, mkdir } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { isMap, parseJson } from "@stackyard/core";
import { TerraformFailure } from "./failure.ts";
import { recordInventory } from "./inventory.ts";
import { checkPlan, isGuarded } from "./plan-guard.ts";
import { makePlan } from "./plan-run.ts";
import { claimSavedPlan, dropSavedPlan, openSavedPlan, releaseSavedPlan } from "./saved-plans.ts";
import type { RunOutputs, StagedRun } from "./staged-run.ts";
import { callStream, callTerraform, initRun, type StreamOutput, toCallFailure } from "./terraform-call.ts";

/** Initialises, applies or destroys, and reads the outputs. Fails with TerraformFailure. */
export async function applyRun(run: StagedRun, action: "apply" | "destroy"): Promise<RunOutputs> {
  if (run.config.plan !== undefined) return applySavedPlan(run, run.config.plan);
  await initRun(run);
  if (!isGuarded(run)) return apply(run, action, []);
  const { file } = await makePlan(run, { destroy: action === "destroy" });
  await checkPlan(run, file);
  return apply(run, action, [file]);
}

/**
 * Applies a saved plan, once. Claims it before anything is changed, so an attempt that ends early leaves a plan that
 * cannot be applied again: it may be applied in part.
 */
async function applySavedPlan(run: StagedRun, id: string): Promise<RunOutputs> {
  const saved = await openSavedPlan(run, id);
  await initRun(run);
  await checkPlan(run, saved.file);
  const claim = await claimSavedPlan(run, saved);
  try {
    const outputs = await apply(run, "apply", [saved.file]);
    await dropSavedPlan(run, claim);
    return outputs;
  } catch (error) {
    if (!(error instanceof TerraformFailure)) throw error;
    // Nothing was done before the lock.
    if (error.code === "TERRAFORM_STATE_LOCKED") {
      await releaseSavedPlan(run, claim);
      throw error;
    }
    throw new TerraformFailure(error.code, error.message, { cause: error, final: true });
  }
}

/** Applies `planFile`; without it Terraform makes its own plan. */
async function apply(
  run: StagedRun,
  action: "apply" | "destroy",
  planFile: readonly [] | readonly [string],
): Promise<RunOutputs> {
  const lockTimeout = `-lock-timeout=${run.settings.lockTimeout}`;
  const end = await callStream(run, {
    // A plan to destroy is applied like any other.
    command: planFile.length === 0 ? action : "apply",
    arguments: ["-json", "-no-color", "-input=false", "-auto-approve", lockTimeout, ...planFile],
  });
  await rescueState(run);
  await recordInventory(run);
  if (end.code !== 0) {
    const code = action === "apply" ? "TERRAFORM_APPLY_FAILED" : "TERRAFORM_DESTROY_FAILED";
    throw toCallFailure({ command: `terraform ${action}`, code, end, mask: run.mask });
  }
  // The stream never contains sensitive values.
  const isIncomplete = [...end.outputs.values()].some(({ sensitive }) => sensitive);
  return toRootOutputs(isIncomplete ? await loadOutputs(run) : end.outputs);
}

/** Where Terraform puts a state that its backend did not take. */
const UNSAVED_STATE = "errored.tfstate";

/** Rescues an unsaved state, which would be deleted with the folder, and the created resources lost. */
async function rescueState({ ctx, module, settings }: StagedRun): Promise<void> {
  const unsaved = join(module, UNSAVED_STATE);
  if (!existsSync(unsaved)) return;
  const kept = join(settings.rescueDir, `${ctx.idempotencyKey}-${ctx.attempt.token}.tfstate`);
  await mkdir(settings.rescueDir, { recursive: true, mode: 0o700 });
  await copyFile(unsaved, kept);
  const text =
    `The backend did not take the state, so it was kept on ${hostname()} as ${kept}. ` +
    `Repair the backend, then run \`terraform state push ${kept}\` in the configuration before anything else works on this stack.`;
  throw new TerraformFailure("TERRAFORM_STATE_NOT_SAVED", text);
}

async function loadOutputs(run: StagedRun): Promise<ReadonlyMap<string, StreamOutput>> {
  const lines: string[] = [];
  const call = { command: "output", arguments: ["-json", "-no-color"] } as const;
  const end = await callTerraform(run, call, (line) => lines.push(line));
  const outputs = end.code === 0 ? parseOutputs(lines.join("\n")) : undefined;
  if (outputs !== undefined) return outputs;
  const code = "TERRAFORM_OUTPUTS_FAILED";
  throw toCallFailure({ command: "terraform output", code, end, mask: run.mask });
}

/** Scalars as they are, lists and maps as JSON text. */
function toRootOutputs(outputs: ReadonlyMap<string, StreamOutput>): RunOutputs {
  const entries = [...outputs];
  return {
    outputs: Object.fromEntries(entries.map(([name, { value }]) => [name, toScalar(value)])),
    sensitive: entries.filter(([, { sensitive }]) => sensitive).map(([name]) => name),
  };
}

function toScalar(value: unknown): string | number | boolean | null {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  return value === null || value === undefined ? null : JSON.stringify(value);
}

/** Parses the output of `output -json`; undefined for anything else. */
function parseOutputs(text: string): ReadonlyMap<string, StreamOutput> | undefined {
  const outputs = parseJson(text);
  if (!isMap(outputs)) return undefined;
  const found = Object.entries(outputs).map(([name, output]): [string, StreamOutput] => {
    const body = isMap(output) ? output : {};
    return [name, { sensitive: body["sensitive"] === true, value: body["value"] }];
  });
  return new Map(found);
}
