import {
  defineExecutor,
  type Executor,
  type ExecutorContext,
  type Failed,
  failed,
  type Plan,
  type Random,
  running,
} from "@stackyard/core";
import { cancelRun } from "./cancel-run.ts";
import { findConfigFault } from "./config-fault.ts";
import {
  type RunCommandConfig,
  type RunCommandProgress,
  type RunCommandStep,
  runCommandDefinition,
} from "./definition.ts";
import type { RunCommandOptions } from "./run-command-options.ts";
import { pollRun, runStep } from "./run-step.ts";
import { AwsCallError } from "./ssm/call-aws.ts";
import { type StepDeps, toRunId, toStepDeps } from "./step-deps.ts";
import { toPlan } from "./to-plan.ts";
import { RunConflictError } from "./versioned-records.ts";

/** Where a test replaces chance. */
export interface RunCommandDeps {
  /** Default: `Math.random`. */
  readonly random?: Random;
}

/** Polls in a row that AWS may leave unanswered while commands run: some ten minutes. */
const MAX_OUTAGES = 20;
const OUTAGE_MS = 30_000;

/**
 * The executor `runcommand`: configures a fleet of instances over SSM Run Command. `start` selects and sends as much as the
 * limits allow, `poll` watches and sends the rest. The instances are in the run's records, so progress stays small and no
 * command is sent twice after a crash. Throws `CONFIG_INVALID`. Fails with the codes of the README.
 */
export function createRunCommandExecutor(
  options: RunCommandOptions = {},
  { random = Math.random }: RunCommandDeps = {},
): Executor {
  const begin = (ctx: ExecutorContext, config: RunCommandConfig) => toStepDeps(ctx, config, { options, random });
  return defineExecutor({
    ...runCommandDefinition,
    plan: (ctx, config): Promise<Plan> => toPlan(begin(ctx, config)),
    async start(ctx, config) {
      const fault = findConfigFault(config);
      if (fault !== undefined) return fault;
      const progress = { runId: toRunId(ctx), polls: 0, outages: 0 };
      return guard(begin(ctx, config), progress, (deps) => runStep(deps, progress));
    },
    poll: (ctx, config, progress) => guard(begin(ctx, config), progress, (deps) => pollRun(deps, progress)),
    cancel: (ctx, config, progress) =>
      guard(begin(ctx, config), progress ?? { runId: toRunId(ctx), polls: 0, outages: 0 }, cancelRun),
  });
}

/** What a step throws becomes a step: the run goes on where its records are, as long as there is something to go on with. */
async function guard(
  deps: StepDeps,
  progress: RunCommandProgress,
  work: (deps: StepDeps) => Promise<RunCommandStep>,
): Promise<RunCommandStep> {
  try {
    return await work(deps);
  } catch (error) {
    if (deps.ctx.signal.aborted) return toGoOn(progress, 0, "Interrupted; goes on later.");
    if (error instanceof RunConflictError) return toGoOn(progress, 1_000, error.message);
    if (error instanceof AwsCallError) return onRefused(deps, progress, error);
    throw error;
  }
}

async function onRefused(deps: StepDeps, progress: RunCommandProgress, error: AwsCallError): Promise<RunCommandStep> {
  const isUnderWay = progress.agent !== undefined || (await deps.store.load()) !== undefined;
  const outages = progress.outages + 1;
  if (error.retryable && isUnderWay && outages <= MAX_OUTAGES) {
    return toGoOn({ ...progress, outages }, OUTAGE_MS, error.message);
  }
  return toFailed(error);
}

function toGoOn(progress: RunCommandProgress, pollAfterMs: number, message: string): RunCommandStep {
  return running({ progress, pollAfterMs, message });
}

function toFailed({ code, message, retryable }: AwsCallError): Failed {
  return failed({ code, message, retryable });
}
