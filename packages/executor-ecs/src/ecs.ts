import { defineExecutor, type Executor, type Failed, failed, isStackyardError, running } from "@stackyard/core";
import { type EcsConfig, type EcsProgress, ecsDefinition } from "./definition.ts";
import { createDefinitionCache, type DefinitionCache } from "./definition-cache.ts";
import { type EcsCall, type EcsStep, toCall } from "./ecs-call.ts";
import { pollEnd, toCancelled } from "./end-tasks.ts";
import { placeTasks, toFirstProgress } from "./place-tasks.ts";
import { planTasks } from "./plan-tasks.ts";
import { pollTasks } from "./poll-tasks.ts";
import { prepareOrder } from "./prepare-order.ts";
import { type AwsFailure, toAwsFailure } from "./to-aws-failure.ts";

const ASK_AGAIN_MS = 10_000;
/** So long after the deadline AWS may fail to answer before the attempt gives up on it. */
const PATIENCE_MS = 2 * 60_000;

/**
 * The executor `ecs`: runs tasks to their end and judges their exit codes. The attempt's idempotency key is the client token,
 * so an attempt that is delivered again finds the tasks that it has started. Fails with the `ECS_…` codes of the README.
 */
export function createEcsExecutor(): Executor {
  const definitions = createDefinitionCache();
  return defineExecutor({
    ...ecsDefinition,
    plan: (ctx, config) => planTasks(toCall(ctx, config, definitions)),
    start: (ctx, config) => run({ ctx, config, definitions }, undefined, begin),
    poll: (ctx, config, progress) =>
      run({ ctx, config, definitions }, progress, (call) =>
        progress.ending === undefined ? pollTasks(call, progress) : pollEnd(call, progress),
      ),
    cancel(ctx, config, progress) {
      const cancelled = toCancelled(ctx, config, progress);
      return run({ ctx, config, definitions }, cancelled, (call) => pollEnd(call, cancelled));
    },
  });
}

interface CallInput {
  readonly ctx: EcsCall["ctx"];
  readonly config: EcsConfig;
  readonly definitions: DefinitionCache;
}

async function begin(call: EcsCall): Promise<EcsStep> {
  const prepared = await prepareOrder(call);
  return prepared.kind === "prepared" ? placeTasks(call, prepared, toFirstProgress(call, prepared)) : prepared;
}

async function run(
  { ctx, config, definitions }: CallInput,
  progress: EcsProgress | undefined,
  work: (call: EcsCall) => Promise<EcsStep>,
): Promise<EcsStep> {
  const call = toCall(ctx, config, definitions);
  if ("kind" in call) return call;
  try {
    return await work(call);
  } catch (error) {
    if (progress === undefined) return toNotStarted(call, error);
    return ctx.signal.aborted ? toInterrupted(progress) : toAskedAgain(call, progress, error);
  }
}

/** Nothing was started. Errors of ours say themselves what they are. */
function toNotStarted({ ctx, settings }: EcsCall, error: unknown): EcsStep {
  if (ctx.signal.aborted || isStackyardError(error)) throw error;
  return failed(toAwsFailure(error, toWhat(settings)));
}

/** An error of AWS ends nothing that runs while it may pass: the same progress is polled again. */
function toAskedAgain({ ctx, settings }: EcsCall, progress: EcsProgress, error: unknown): EcsStep {
  const failure = toAwsFailure(error, toWhat(settings));
  const until = Math.max(progress.deadline, progress.ending?.until ?? 0) + PATIENCE_MS;
  if (!failure.retryable || ctx.clock.now() >= until) return toLeft(failure, progress);
  return running({ progress, pollAfterMs: ASK_AGAIN_MS, message: `Asks again: ${failure.message}` });
}

function toWhat({ order }: EcsCall["settings"]): string {
  return `A call of ECS in "${order.cluster}"`;
}

/** A cancel that follows must find the tasks. */
function toInterrupted(progress: EcsProgress): EcsStep {
  return running({ progress, pollAfterMs: 0, message: "The call was interrupted; the tasks run on." });
}

/** Whoever reads of the failure must know what may still run. */
function toLeft(failure: AwsFailure, { taskArns }: EcsProgress): Failed {
  if (taskArns.length === 0) return failed(failure);
  const message = `${failure.message} These tasks may still run: ${taskArns.join(", ")}.`;
  return failed({ ...failure, message, outputs: { taskArns: JSON.stringify(taskArns) } });
}
