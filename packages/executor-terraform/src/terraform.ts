import {
  defineExecutor,
  type Executor,
  type ExecutorContext,
  type Plan,
  StackyardError,
  type Step,
  succeeded,
} from "@stackyard/core";
import {
  type TerraformConfig,
  type TerraformOptions,
  type TerraformOutputs,
  terraformDefinition,
} from "./definition.ts";
import { planRun, previewRun } from "./plan/plan-run.ts";
import { findPlanFolder } from "./plan/saved-plans.ts";
import { applyRun } from "./run/apply-run.ts";
import { type DestroyWay, destroyInAnyCase } from "./run/destroy.ts";
import { detectDrift } from "./run/drift-run.ts";
import { TerraformFailure } from "./run/failure.ts";
import { findProgram } from "./run/find-program.ts";
import { checkUnsavedRuns } from "./run/recorded-run.ts";
import type { RunOutputs, StagedRun } from "./run/staged-run.ts";
import { withStagedRun } from "./run/with-staged-run.ts";
import { type Settings, type TerraformDeps, toSettings } from "./settings.ts";
import { checkProduct, checkTarget, reportNewTerms } from "./state/inventory.ts";

/**
 * Creates the executor `terraform`: runs `init`, then the action, each task in its own folder. A second start of the
 * same attempt is safe: resources in the state are not created again. Fails with the codes of TERRAFORM_FAILURES.
 */
export function createTerraformExecutor(options: TerraformOptions, deps: TerraformDeps): Executor {
  const settings = toSettings(options, deps);
  return defineExecutor({
    ...terraformDefinition,
    async prepare(): Promise<void> {
      await findProgram(settings, {});
    },
    async plan(ctx: ExecutorContext, config: TerraformConfig): Promise<Plan> {
      try {
        return await withStagedRun(settings, ctx, config, {
          isDryRun: true,
          ...(await findFolder(ctx, config)),
          work: previewRun,
        });
      } catch (error) {
        throw error instanceof TerraformFailure ? toPlanError(error) : error;
      }
    },
    async start(ctx: ExecutorContext, config: TerraformConfig): Promise<Step<unknown, TerraformOutputs>> {
      try {
        const { outputs, sensitive } = await runTask(settings, ctx, config);
        return succeeded(outputs, sensitive.length > 0 ? { sensitive } : {});
      } catch (error) {
        if (error instanceof TerraformFailure) return error.step;
        throw error;
      }
    },
  });
}

async function runTask(settings: Settings, ctx: ExecutorContext, config: TerraformConfig): Promise<RunOutputs> {
  const folder = await findFolder(ctx, config);
  const run = (way: DestroyWay = {}) => withStagedRun(settings, ctx, config, { ...folder, ...way, work: runAction });
  return config.action === "destroy" ? destroyInAnyCase({ ctx, config, run }) : run();
}

/** A saved plan is applied in the folder in which it was made. */
async function findFolder(ctx: ExecutorContext, { plan }: TerraformConfig): Promise<{ readonly folder?: string }> {
  return plan === undefined ? {} : { folder: await findPlanFolder(ctx, plan) };
}

function toPlanError(error: TerraformFailure): StackyardError {
  const { code, message, retryable } = error.step;
  return new StackyardError("OUTCOME_NEGATIVE", `${code}: ${message}`, { cause: error, details: { code, retryable } });
}

async function runAction(run: StagedRun): Promise<RunOutputs> {
  await checkUnsavedRuns(run);
  await checkProduct(run);
  await checkTarget(run);
  await reportNewTerms(run);
  const { action } = run.config;
  switch (action) {
    case "plan":
      return planRun(run);
    case "drift":
      return detectDrift(run);
    default:
      return applyRun(run, action);
  }
}
