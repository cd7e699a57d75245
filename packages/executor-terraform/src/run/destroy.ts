import type { ExecutorContext } from "@stackyard/core";
import { countHeld, findCurrentVersion, findKeptState, listUnsavedRunsOf } from "@stackyard/core/services";
import { type TerraformConfig, toStateKey } from "../definition.ts";
import { type AppliedSource, findApplied } from "../source/applied-source.ts";
import { findInventory } from "../state/inventory.ts";
import { TerraformFailure } from "./failure.ts";
import type { RunOutputs } from "./staged-run.ts";

/** A way to destroy other than with the task's own configuration after a refresh. */
export interface DestroyWay {
  /** The configuration to use instead. */
  readonly applied?: AppliedSource;
  /** True to destroy by the state alone. */
  readonly skipsRefresh?: boolean;
}

interface DestroyInput {
  readonly ctx: ExecutorContext;
  readonly config: TerraformConfig;
  run(way?: DestroyWay): Promise<RunOutputs>;
}

/**
 * Destroys what a state contains. When the task's own configuration cannot be read or planned, which is a usual reason
 * to destroy, uses the one that the state was changed with last, or does nothing if the yard knows that nothing is left.
 * When what it reads is gone, such as the state of another configuration, destroys without reading it. Fails with
 * TerraformFailure.
 */
export async function destroyInAnyCase(input: DestroyInput): Promise<RunOutputs> {
  try {
    return await input.run();
  } catch (error) {
    if (error instanceof TerraformFailure && error.isUnplanned) return destroyOtherwise(input, error);
    throw error;
  }
}

async function destroyOtherwise(input: DestroyInput, failure: TerraformFailure): Promise<RunOutputs> {
  const { ctx, config } = input;
  const source = config.source !== undefined && "type" in config.source ? config.source : undefined;
  const stateKey = toStateKey(ctx, { state: config.state, source });
  if (stateKey === undefined || config.sharedState !== undefined) throw failure;
  ctx.report(`The configuration of the task cannot be used. ${failure.code}: ${failure.message}`);
  const applied = await findApplied(ctx, stateKey);
  if (applied !== undefined) return destroyAsApplied(input, applied, failure);
  if (isUnread(failure)) return destroyUnread(input, {});
  if (!(await isKnownEmpty(ctx, stateKey, source?.type === "git"))) throw failure;
  ctx.report("▸ Nothing to destroy: no run has left anything in this state.");
  return { outputs: {}, sensitive: [] };
}

/** Returns true if what a configuration reads may be the reason, and not the configuration. */
function isUnread({ code, isUnplanned, step }: TerraformFailure): boolean {
  const isOfPlan = code === "TERRAFORM_DESTROY_FAILED" || code === "TERRAFORM_PLAN_FAILED";
  return isOfPlan && isUnplanned && step.retryable;
}

function destroyUnread({ ctx, run }: DestroyInput, way: DestroyWay): Promise<RunOutputs> {
  ctx.report("▸ Destroying by the state alone: what the configuration reads cannot be read");
  return run({ ...way, skipsRefresh: true });
}

async function destroyAsApplied(input: DestroyInput, applied: AppliedSource, first: TerraformFailure) {
  const { ctx, run } = input;
  ctx.report(`▸ Destroying with the configuration of the last apply: ${describeSource(applied)}`);
  try {
    return await run({ applied }).catch((error: unknown) => {
      if (error instanceof TerraformFailure && isUnread(error)) return destroyUnread(input, { applied });
      throw error;
    });
  } catch (error) {
    if (!(error instanceof TerraformFailure)) throw error;
    const text = `${error.message}\n\nThis was a try with the configuration of the last apply. That of the task failed before:\n${first.message}`;
    throw new TerraformFailure(error.code, text, {
      cause: error,
      final: !error.step.retryable && !first.step.retryable,
    });
  }
}

function describeSource({ config: { source }, files }: AppliedSource): string {
  const parts = Object.entries(source ?? {}).map(([name, value]) => `${name}=${String(value)}`);
  return `${parts.join(" ")}${files === undefined ? "" : ", with the files that the yard has kept"}`;
}

/**
 * Returns true if the yard knows that a state has no resources. Runs are recorded before they begin, so without a record of
 * any run nothing was ever applied, where all runners have a store: as those that read from code hosts do.
 */
async function isKnownEmpty(ctx: ExecutorContext, stateKey: string, isRecorded: boolean): Promise<boolean> {
  const inventory = await findInventory(ctx, stateKey);
  if (inventory === undefined && !isRecorded) return false;
  const left = inventory === undefined ? 0 : countHeld(inventory);
  if (left > 0 || (await listUnsavedRunsOf(ctx, stateKey)).length > 0) return false;
  const head = await findKeptState(ctx, stateKey);
  const current = head && findCurrentVersion(head);
  return current === undefined || current.resources === 0;
}
