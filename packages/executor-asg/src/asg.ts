import {
  continueLater,
  defineExecutor,
  type Executor,
  type ExecutorContext,
  failed,
  type Random,
} from "@stackyard/core";
import { type AsgCall, openCall } from "./call.ts";
import { type AsgConfig, type AsgProgress, type AsgStep, asgDefinition } from "./definition.ts";
import { deploy } from "./ops/deploy.ts";
import { lock } from "./ops/lock.ts";
import type { AsgOperation } from "./ops/operation.ts";
import { repair } from "./ops/repair.ts";
import { retire } from "./ops/retire.ts";
import { rollback } from "./ops/rollback.ts";
import { unlock } from "./ops/unlock.ts";
import { planTask } from "./plan-task.ts";
import { ReleaseError } from "./release-errors.ts";

/** Options of the executor. */
export interface AsgExecutorOptions {
  /** Random numbers for release ids. Default: `Math.random`. */
  readonly random?: Random;
}

const OPERATIONS: Readonly<Record<AsgProgress["op"], AsgOperation>> = {
  deploy,
  rollback,
  repair,
  retire,
  lock,
  unlock,
};

/**
 * Creates the executor `asg`: it deploys the services of a project and config on new Auto Scaling groups, state by
 * state; it also rolls back, repairs and locks. A cancel is a halt: everything created is removed, or, if traffic has
 * moved, the release succeeds. Fails with the codes of the README; `LEFT_BEHIND` if a person has to decide.
 */
export function createAsgExecutor({ random = Math.random }: AsgExecutorOptions = {}): Executor {
  const open = (ctx: ExecutorContext, config: AsgConfig) =>
    openCall({ ctx, config, at: toAccount(ctx, config), random });
  return defineExecutor({
    ...asgDefinition,
    plan: (ctx, config) => planTask(open(ctx, config)),
    start: (ctx, config) => guard(undefined, ctx, config, () => start(open(ctx, config))),
    poll: (ctx, config, progress) => guard(progress, ctx, config, () => poll(open(ctx, config), progress)),
    cancel: (ctx, config, progress) => guard(progress, ctx, config, () => cancel(open(ctx, config), progress)),
  });
}

/** Returns the account and region of the release, or of the task's target. */
function toAccount({ target }: ExecutorContext, { release, at }: AsgConfig): AsgCall["at"] {
  const { aws_account_id: account, aws_region: region } = release ?? {};
  return {
    account: target?.account ?? at?.account ?? (typeof account === "string" ? account : ""),
    region: target?.region ?? at?.region ?? (typeof region === "string" ? region : ""),
  };
}

function start(call: AsgCall): Promise<AsgStep> {
  return OPERATIONS[call.config.op ?? "deploy"].start(call);
}

/**
 * Continues the operation of the progress, which the worker has stored with the attempt: nothing is kept in this process.
 * A rollback without kept groups continues as a deployment.
 */
function poll(call: AsgCall, progress: AsgProgress): Promise<AsgStep> {
  const operation = OPERATIONS[progress.op];
  return operation.poll?.(call, progress) ?? operation.start(call);
}

async function cancel(call: AsgCall, progress: AsgProgress | undefined): Promise<AsgStep> {
  const stopped = progress && OPERATIONS[progress.op].cancel?.(call, progress);
  if (stopped !== undefined) return stopped;
  const outputs = { end: "FailureClean", dirty: false, success: false };
  const message = "The task was cancelled before it started.";
  return failed({ code: "RELEASE_HALTED", message, retryable: false, outputs });
}

const ASK_AGAIN_MS = 30_000;

/**
 * Handles errors of the call itself. The state machine handles errors of states. No error ends a release that has begun:
 * its groups and its lock would be left behind.
 */
async function guard(
  progress: AsgProgress | undefined,
  ctx: ExecutorContext,
  config: AsgConfig,
  work: () => Promise<AsgStep>,
): Promise<AsgStep> {
  if (progress !== undefined)
    return continueLater({ ctx, progress, isPassing: () => true, everyMs: ASK_AGAIN_MS }, work);
  try {
    return await work();
  } catch (error) {
    return toNotStarted(ctx, config, error);
  }
}

/** Fails before anything was started. */
function toNotStarted(ctx: ExecutorContext, { op = "deploy" }: AsgConfig, error: unknown): AsgStep {
  if (ctx.signal.aborted || !(error instanceof ReleaseError)) throw error;
  const { releaseCode: code, message, errorClass } = error;
  const outputs = { end: "FailureClean", dirty: false, success: false, error: errorClass, op };
  return failed({ code, message, retryable: code === "LOCK_EXISTS", outputs });
}
