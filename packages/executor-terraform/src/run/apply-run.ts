import { join } from "node:path";
import { formatNames } from "@stackyard/core";
import type { UnsavedRun } from "@stackyard/core/services";
import { checkPlan, isGuarded } from "../plan/plan-guard.ts";
import { makePlan } from "../plan/plan-run.ts";
import { claimSavedPlan, dropSavedPlan, openSavedPlan, releaseSavedPlan } from "../plan/saved-plans.ts";
import { forgetApplied, rememberApplied } from "../source/applied-source.ts";
import { recordInventory } from "../state/inventory.ts";
import { openState, type StateReader } from "../state/state-reader.ts";
import { withLockHolder } from "../state/yard-state.ts";
import { saysStillLocked, TerraformFailure, toHeadAndTail } from "./failure.ts";
import { readOutputs, toRunOutputs } from "./outputs.ts";
import { prepareRun } from "./prepare-run.ts";
import { forgetRun, keepWhatIsLeft, recordRun } from "./recorded-run.ts";
import type { RunOutputs, StagedRun } from "./staged-run.ts";
import {
  callStream,
  callTerraform,
  MAX_MESSAGE_BYTES,
  type StreamEnd,
  type StreamOutput,
  toCallFailure,
} from "./terraform-call.ts";

/** Initialises, applies or destroys, and reads the outputs. Fails with TerraformFailure. */
export async function applyRun(run: StagedRun, action: "apply" | "destroy"): Promise<RunOutputs> {
  if (run.config.plan !== undefined) return applySavedPlan(run, run.config.plan);
  await prepareRun(run);
  if (!(await isGuarded(run))) return apply(run, { action });
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
  readonly planned?: Pick<StreamEnd, "forgets" | "imports"> &
    Partial<Pick<StreamEnd, "resources">> & { readonly file: string };
}

async function apply(run: StagedRun, input: ApplyInput): Promise<RunOutputs> {
  const { action } = input;
  const recorded = await recordRun(run, action);
  const end = await callApply(run, input).catch(async (error: unknown) => {
    // The program was not started.
    if (error instanceof TerraformFailure) await forgetRun(run, recorded);
    throw error;
  });
  const state = await openState(run);
  const remaining = action === "destroy" && end.code === 0 ? await listRemaining(state) : [];
  await recordEnd(run, input, { recorded, end, state, remaining });
  if (end.code !== 0) throw await toApplyFailure(run, action, end);
  if (remaining.length > 0) throw toNotDestroyed(remaining);
  const outputs = action === "destroy" ? new Map() : findOutputs(end);
  return toRunOutputs(run, outputs ?? (await loadOutputs(run, state)));
}

/**
 * Returns what is in the state after a destroy that has succeeded: an answer that was not that of the backend may have
 * shown the program an empty or older state. One answer that has something proves nothing, so the program reads it again.
 */
async function listRemaining({ stored, pull }: StateReader): Promise<readonly string[]> {
  if (stored === undefined || stored.resources.length === 0) return [];
  return ((await pull())?.resources ?? []).map(({ address }) => address);
}

function toNotDestroyed(addresses: readonly string[]): TerraformFailure {
  const text = `terraform destroy ended with exit code 0, and the state still has ${formatNames(addresses)}. Something else may have answered for the state backend. Try again.`;
  return new TerraformFailure("TERRAFORM_DESTROY_FAILED", text, { isUnplanned: false });
}

/**
 * Returns the outputs in the stream of an apply; undefined if its end is missing. It never contains sensitive values, and
 * of lines that are too long nothing.
 */
function findOutputs({ isWhole, outputs }: StreamEnd): StreamEnd["outputs"] {
  const isComplete = isWhole && outputs !== undefined && ![...outputs.values()].some(({ sensitive }) => sensitive);
  return isComplete ? outputs : undefined;
}

/** Adds why a run has failed, to what it has left. */
function withReason(failure: TerraformFailure, { message }: TerraformFailure): TerraformFailure {
  const text = toHeadAndTail(`${failure.message}\n\n${message}`, MAX_MESSAGE_BYTES);
  return new TerraformFailure(failure.code, text, { cause: failure });
}

interface EndInput {
  readonly recorded: UnsavedRun | undefined;
  readonly end: StreamEnd;
  readonly state: StateReader;
  /** The addresses that a destroy has left in the state. */
  readonly remaining: readonly string[];
}

/** Records how a run has ended, what it has left first. Fails with TERRAFORM_STATE_NOT_SAVED. */
async function recordEnd(
  run: StagedRun,
  { action, planned }: ApplyInput,
  { recorded, end, state, remaining }: EndInput,
): Promise<void> {
  const kept = await keepWhatIsLeft(run, recorded, { end, state });
  const sequence = recorded?.sequence ?? 0;
  const isDone = end.code === 0;
  const { forgets, imports, resources } = planned ?? end;
  const isEmpty = isDone && action === "destroy" && remaining.length === 0;
  if (action === "apply" && end.hasBegun) await rememberApplied(run, sequence);
  if (kept instanceof TerraformFailure) throw withReason(kept, await toApplyFailure(run, action, end));
  await recordInventory(run, {
    state,
    sequence,
    isEmpty,
    isUnchanged: isDone && planned === undefined && isUnchanged(end),
    forgets,
    imports,
    deleted: end.isWhole ? end.deleted : undefined,
    streamed: isDone ? resources : undefined,
  });
  if (isEmpty) await forgetApplied(run.ctx, run.stateKey);
  if (kept) await forgetRun(run, recorded);
}

async function callApply(run: StagedRun, { action, planned }: ApplyInput): Promise<StreamEnd> {
  const lockTimeout = `-lock-timeout=${run.settings.lockTimeout}`;
  const end = await callStream(run, {
    // A plan to destroy is applied like any other.
    command: planned === undefined ? action : "apply",
    arguments: [
      ...["-json", "-no-color", "-input=false", "-auto-approve", lockTimeout],
      ...(planned === undefined ? toOwnPlanArguments(run, action) : [planned.file]),
    ],
  });
  return isDoneAndLocked(end) ? { ...end, code: 0 } : end;
}

/** Returns true for a run that has saved its state and could not release its lock. The program exits with 1 then. */
function isDoneAndLocked({ code, diagnostics }: StreamEnd): boolean {
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  return code === 1 && errors.length > 0 && errors.every(saysStillLocked);
}

function toOwnPlanArguments(run: StagedRun, action: ApplyInput["action"]): readonly string[] {
  return action === "destroy" ? run.destroyArguments : [];
}

function toApplyFailure(run: StagedRun, action: ApplyInput["action"], end: StreamEnd): Promise<TerraformFailure> {
  const code = action === "apply" ? "TERRAFORM_APPLY_FAILED" : "TERRAFORM_DESTROY_FAILED";
  const failed = { command: `terraform ${action}`, code, end, mask: run.mask, isUnplanned: !end.hasBegun } as const;
  return withLockHolder(run, toCallFailure(failed));
}

function isUnchanged({ counts, planned }: StreamEnd): boolean {
  return planned.length === 0 && counts !== undefined && Object.values(counts).every((count) => count === 0);
}

async function loadOutputs(run: StagedRun, state: StateReader): Promise<ReadonlyMap<string, StreamOutput>> {
  const found = state.stored ?? (await state.pull());
  if (found !== undefined) return found.outputs;
  // Its lines may be too long for the reader of lines: they are read from the file of the call.
  const call = { command: "output", arguments: ["-json", "-no-color"] } as const;
  const end = await callTerraform(run, call, () => undefined);
  const outputs = end.code === 0 ? await readOutputs({ path: join(run.folder, "output.out") }) : undefined;
  if (outputs !== undefined) return outputs;
  const code = "TERRAFORM_OUTPUTS_FAILED";
  throw toCallFailure({ command: "terraform output", code, end, mask: run.mask });
}
