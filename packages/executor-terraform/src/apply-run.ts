import { existsSync } from "node:fs";
import { copyFile, mkdir, readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { TerraformFailure } from "./failure.ts";
import { recordInventory } from "./inventory.ts";
import { parseOutputs, toRunOutputs } from "./outputs.ts";
import { checkPlan, isGuarded } from "./plan-guard.ts";
import { makePlan } from "./plan-run.ts";
import { prepareRun } from "./prepare-run.ts";
import { claimSavedPlan, dropSavedPlan, openSavedPlan, releaseSavedPlan } from "./saved-plans.ts";
import type { RunOutputs, StagedRun } from "./staged-run.ts";
import { openState, type StateReader } from "./state-reader.ts";
import { callStream, callTerraform, type StreamEnd, type StreamOutput, toCallFailure } from "./terraform-call.ts";
import { withLockHolder } from "./yard-state.ts";

/** Initialises, applies or destroys, and reads the outputs. Fails with TerraformFailure. */
export async function applyRun(run: StagedRun, action: "apply" | "destroy"): Promise<RunOutputs> {
  if (run.config.plan !== undefined) return applySavedPlan(run, run.config.plan);
  await prepareRun(run);
  if (!isGuarded(run)) return apply(run, { action });
  const planned = await makePlan(run, { destroy: action === "destroy" });
  await checkPlan(run, planned.file);
  return apply(run, { action, planned });
}

/**
 * Applies a saved plan, once. Claims it before anything is changed, so an attempt that ends early leaves a plan that
 * cannot be applied again: it may be applied in part.
 */
async function applySavedPlan(run: StagedRun, id: string): Promise<RunOutputs> {
  const saved = await openSavedPlan(run, id);
  await prepareRun(run);
  await checkPlan(run, saved.file);
  const claim = await claimSavedPlan(run, saved);
  try {
    const outputs = await apply(run, { action: "apply", planned: saved });
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

interface ApplyInput {
  readonly action: "apply" | "destroy";
  /** Without it Terraform makes its own plan. */
  readonly planned?: Pick<StreamEnd, "forgets"> & Partial<Pick<StreamEnd, "resources">> & { readonly file: string };
}

async function apply(run: StagedRun, { action, planned }: ApplyInput): Promise<RunOutputs> {
  const lockTimeout = `-lock-timeout=${run.settings.lockTimeout}`;
  const end = await callStream(run, {
    // A plan to destroy is applied like any other.
    command: planned === undefined ? action : "apply",
    arguments: [
      ...["-json", "-no-color", "-input=false", "-auto-approve", lockTimeout],
      ...(planned === undefined ? [] : [planned.file]),
    ],
  });
  await rescueState(run);
  const state = await openState(run);
  const isDone = end.code === 0;
  await recordInventory(run, {
    state,
    isEmpty: isDone && action === "destroy",
    isUnchanged: isDone && planned === undefined && isUnchanged(end),
    forgets: planned?.forgets ?? end.forgets,
    streamed: isDone ? (planned ?? end).resources : undefined,
  });
  if (!isDone) {
    const code = action === "apply" ? "TERRAFORM_APPLY_FAILED" : "TERRAFORM_DESTROY_FAILED";
    throw await withLockHolder(run, toCallFailure({ command: `terraform ${action}`, code, end, mask: run.mask }));
  }
  // The stream never contains sensitive values, and of lines that are too long nothing.
  const isIncomplete = !end.isWhole || [...end.outputs.values()].some(({ sensitive }) => sensitive);
  return toRunOutputs(run, isIncomplete ? await loadOutputs(run, state) : end.outputs);
}

function isUnchanged({ counts, planned }: StreamEnd): boolean {
  return planned.length === 0 && counts !== undefined && Object.values(counts).every((count) => count === 0);
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

async function loadOutputs(run: StagedRun, state: StateReader): Promise<ReadonlyMap<string, StreamOutput>> {
  const found = state.stored ?? (await state.pull());
  if (found !== undefined) return found.outputs;
  // Its lines may be too long for the reader of lines: they are read from the file of the call.
  const call = { command: "output", arguments: ["-json", "-no-color"] } as const;
  const end = await callTerraform(run, call, () => undefined);
  const outputs = end.code === 0 ? parseOutputs(await readFile(join(run.folder, "output.out"), "utf8")) : undefined;
  if (outputs !== undefined) return outputs;
  const code = "TERRAFORM_OUTPUTS_FAILED";
  throw toCallFailure({ command: "terraform output", code, end, mask: run.mask });
}
