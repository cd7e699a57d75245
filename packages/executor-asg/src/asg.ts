import { defineExecutor, type Executor, type ExecutorContext, failed, type Random, running } from "@stackyard/core";
import { type AsgConfig, type AsgProgress, type AsgStep, asgDefinition, type Place } from "./definition.ts";
import { isSafe } from "./document/rules/check-release.ts";
import { type AsgCall, openCall } from "./executor/asg-call.ts";
import { toBeginInput } from "./executor/begin-release.ts";
import { cancelRelease, pollRelease, startRelease } from "./executor/deploy-operation.ts";
import { lockPlace, unlockPlace } from "./executor/lock-operation.ts";
import { planTask } from "./executor/plan-task.ts";
import { parseReleaseProgress } from "./executor/release-progress.ts";
import { repairPlace } from "./executor/repair-operation.ts";
import { retireGroups } from "./executor/retire-operation.ts";
import { cancelKeptRollback, pollKeptRollback, startRollback } from "./executor/rollback-operation.ts";
import { ReleaseError } from "./release-error.ts";

/** What an executor may be made with. */
export interface AsgExecutorOptions {
  /** For ids of releases. Default: `Math.random`. */
  readonly random?: Random;
}

const ASK_AGAIN_MS = 30_000;

/**
 * The executor `asg`: releases the services of a project-config on new Auto Scaling groups, state by state; takes a release back; repairs
 * and locks. A cancel is a halt: what was made is taken away, or, when traffic has moved, the release ends well. Fails with the codes of
 * the README; `LEFT_BEHIND` when somebody has to look.
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

/** Where the release says to go; else the task's target. */
function toAccount({ target }: ExecutorContext, { release, at }: AsgConfig): AsgCall["at"] {
  const { aws_account_id: account, aws_region: region } = release ?? {};
  return {
    account: target?.account ?? at?.account ?? (typeof account === "string" ? account : ""),
    region: target?.region ?? at?.region ?? (typeof region === "string" ? region : ""),
  };
}

async function start(call: AsgCall): Promise<AsgStep> {
  const { op = "deploy" } = call.config;
  switch (op) {
    case "deploy":
      return startRelease(call, toBeginInput(call));
    case "rollback":
      return startRollback(call, placeOf(call));
    case "repair":
      return repairPlace(call, placeOf(call));
    case "retire":
      return retireGroups(call, placeOf(call));
    case "lock":
      return lockPlace(call, placeOf(call));
    case "unlock":
      return unlockPlace(call, placeOf(call));
  }
}

async function poll(call: AsgCall, progress: AsgProgress): Promise<AsgStep> {
  if (progress.op === "deploy") return pollRelease(call, parseReleaseProgress(progress));
  if (progress.op === "rollback") return pollKeptRollback(call, placeOf(call), progress);
  return progress.op === "retire" ? retireGroups(call, placeOf(call), progress) : start(call);
}

async function cancel(call: AsgCall, progress: AsgProgress | undefined): Promise<AsgStep> {
  if (progress?.op === "deploy") return cancelRelease(call, parseReleaseProgress(progress));
  if (progress?.op === "rollback") return cancelKeptRollback(call, placeOf(call), progress);
  const outputs = { end: "FailureClean", dirty: false, success: false };
  return failed({
    code: "RELEASE_HALTED",
    message: "The run was cancelled before it began.",
    retryable: false,
    outputs,
  });
}

function placeOf({ config, ctx }: AsgCall): Place {
  const { at, op } = config;
  if (at === undefined) throw new ReleaseError("BAD_RELEASE", `"${op}" needs "at": account, region, project, config.`);
  checkName("project", at.project);
  checkName("config", at.config);
  const { target } = ctx;
  if (target !== undefined && (target.account !== at.account || target.region !== at.region)) {
    const what = `"at" is ${at.account} in ${at.region}, and the target of the task is ${target.account} in ${target.region}.`;
    throw new ReleaseError("BAD_RELEASE", what);
  }
  return at;
}

// No release may have such a name: a lock on it would keep nobody away, and locks lie in paths.
function checkName(what: "project" | "config", name: string): void {
  if (isSafe(name)) return;
  const why = 'It may hold no control characters and no part that is empty, "." or "..".';
  throw new ReleaseError("BAD_RELEASE", `${JSON.stringify(name)} is no name of a ${what}. ${why}`);
}

/** What a state throws decides its next state, long before it comes here. Here come errors of the call itself. */
async function guard(
  progress: AsgProgress | undefined,
  ctx: ExecutorContext,
  config: AsgConfig,
  work: () => Promise<AsgStep>,
): Promise<AsgStep> {
  try {
    return await work();
  } catch (error) {
    if (progress === undefined) return toNotStarted(ctx, config, error);
    const message = error instanceof Error ? error.message : String(error);
    const isInterrupted = ctx.signal.aborted;
    if (!isInterrupted) ctx.logger.error("a step of a release could not be done", { error });
    return running({ progress, pollAfterMs: isInterrupted ? 0 : ASK_AGAIN_MS, message: `Asks again: ${message}` });
  }
}

/** Nothing was begun. */
function toNotStarted(ctx: ExecutorContext, { op = "deploy" }: AsgConfig, error: unknown): AsgStep {
  if (ctx.signal.aborted || !(error instanceof ReleaseError)) throw error;
  const { releaseCode: code, message, errorClass } = error;
  const outputs = { end: "FailureClean", dirty: false, success: false, error: errorClass, op };
  return failed({ code, message, retryable: code === "LOCK_EXISTS", outputs });
}
