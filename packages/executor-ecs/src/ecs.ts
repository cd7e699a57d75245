import type { Task } from "@aws-sdk/client-ecs";
import { lookUntilComplete, NEW_ROLE_MS } from "@stackyard/aws";
import {
  continueLater,
  cutText,
  defined,
  defineExecutor,
  type Executor,
  type Failed,
  failed,
  isLimitReached,
  isMap,
  isStackyardError,
  noteLook,
  running,
  type Succeeded,
  succeeded,
  type WatchedTime,
} from "@stackyard/core";
import { type EcsConfig, type EcsOutputs, type EcsProgress, ecsDefinition } from "./definition.ts";
import {
  type EcsCall,
  type EcsStep,
  type PreparedOrder,
  planTasks,
  prepareOrder,
  toCall,
  toMaskedOverrides,
  toStartedBy,
} from "./ecs-call.ts";
import { isRetryable } from "./judge.ts";
import { toOutputs } from "./outputs.ts";
import { reportLogs } from "./report-logs.ts";
import { evaluateTasks, findTasks, readLostLogs, type StoppedRun, stopLeft } from "./run-tasks.ts";
import { type StartResult, startTasks } from "./start-tasks.ts";
import {
  createDefinitionCache,
  type DescribedTasks,
  describeTasks,
  expectedCountOf,
  findStartedTasks,
  type TaskOrder,
  toAwsFailure,
  toStatesText,
} from "./task-order.ts";
import {
  afterAcceptedStop,
  decideAfterLook,
  decideAfterStop,
  decideAfterTry,
  FIRST_LOOK_MS,
  mayRun,
  type RunFailure,
  type TaskRun,
  toEnding,
  toLost,
  toTryLimits,
  toUnwatched,
} from "./task-run.ts";

/** Between two looks, tries and calls that failed. */
const EVERY_MS = 10_000;
/** Time after the end of the wait for stopped tasks in which AWS may fail to answer before the attempt gives up. */
const PATIENCE_MS = 2 * 60_000;

/**
 * Creates the executor `ecs`: runs tasks to their end and evaluates their exit codes. The attempt's idempotency key is
 * the client token, so a redelivered attempt finds the tasks that it has started. Fails with the `ECS_…` codes of the
 * README.
 */
export function createEcsExecutor(): Executor {
  const definitions = createDefinitionCache();
  return defineExecutor({
    ...ecsDefinition,
    plan: (ctx, config) => planTasks(toCall(ctx, config, definitions)),
    start: (ctx, config) => begin(toCall(ctx, config, definitions)),
    poll: (ctx, config, progress) =>
      run(toCall(ctx, config, definitions), progress, (call, known) =>
        known.run.ending === undefined ? pollTasks(call, known) : pollEnd(call, known),
      ),
    cancel: (ctx, config, progress) =>
      run(toCall(ctx, config, definitions), toCancelled(ctx, config, progress), pollEnd),
  });
}

async function begin(call: EcsCall | Failed): Promise<EcsStep> {
  if ("kind" in call) return call;
  try {
    const prepared = await prepareOrder(call);
    return prepared.kind === "prepared" ? await placeTasks(call, prepared, toFirstProgress(call, prepared)) : prepared;
  } catch (error) {
    // Nothing was started.
    if (call.ctx.signal.aborted || isStackyardError(error)) throw error;
    return failed(toFailure(call, error));
  }
}

/**
 * Continues a run. An outage does not end it. A refusal of AWS may pass for two minutes, as that of a new role: policies
 * are replaced while tasks run.
 */
async function run(
  call: EcsCall | Failed,
  progress: EcsProgress,
  work: (call: EcsCall, progress: EcsProgress) => Promise<EcsStep>,
): Promise<EcsStep> {
  if ("kind" in call) return call;
  const { ctx } = call;
  const seen = watchEnding(progress, ctx.clock.now());
  const { refusedAt = ctx.clock.now(), ...known } = seen;
  const shared = { ctx, everyMs: EVERY_MS, describe: (error: unknown) => toFailure(call, error).message };
  const refused = { ...shared, progress: { ...known, refusedAt }, isPassing: () => mayPass(call, refusedAt) };
  const unserved = { ...shared, progress: seen, isPassing: (error: unknown) => isOutage(call, known, error) };
  try {
    return await continueLater(refused, () => continueLater(unserved, () => work(call, known)));
  } catch (error) {
    return endAfter(call, known, error);
  }
}

/** Moves the limits of a stop by the time in which no worker looked. A run that is not stopped notes its own looks. */
function watchEnding(progress: EcsProgress, now: number): EcsProgress {
  const { run, watched: last } = progress;
  if (run.ending === undefined) return progress;
  const watched = toWatched(last, now);
  const missedMs = watched.unwatchedMs - (last?.unwatchedMs ?? 0);
  const { until, searchUntil } = run.ending;
  const moved = { until: until + missedMs, searchUntil: searchUntil && searchUntil + missedMs };
  return withRun({ ...progress, watched }, { ...run, ending: { ...run.ending, ...defined(moved) } });
}

function toFailure({ settings }: EcsCall, error: unknown): RunFailure {
  return toAwsFailure(error, `A call of ECS in "${settings.order.cluster}"`);
}

function mayPass({ ctx }: EcsCall, refusedAt: number): boolean {
  return ctx.clock.now() < refusedAt + NEW_ROLE_MS;
}

/** Returns true while AWS does not serve the calls. Only a stop has a limit: no one checks the tasks meanwhile. */
function isOutage(call: EcsCall, known: EcsProgress, error: unknown): boolean {
  const { deadline, run } = known;
  if (!toFailure(call, error).retryable) return false;
  if (run.ending === undefined) return true;
  return call.ctx.clock.now() < Math.max(toLimit(deadline, known), run.ending.until) + PATIENCE_MS;
}

/** Ends an attempt after an error that does not pass. Tasks that work are left alone, unless the config says otherwise. */
function endAfter(call: EcsCall, progress: EcsProgress, error: unknown): EcsStep {
  const failure = toFailure(call, error);
  const { ending, startedAt } = progress.run;
  if (ending !== undefined) {
    // The stop itself has failed; why the tasks were to end comes first.
    return toLeft({ ...ending, message: `${ending.message} The stop failed: ${failure.message}` }, progress.run);
  }
  const isToBeStopped = startedAt === undefined || call.settings.stopOnError;
  return isToBeStopped ? endWith(call, progress, failure) : withTasks(toUnwatched(failure, progress.run), progress.run);
}

/** Adds to the failure which tasks may still run: then another attempt might do their work a second time. */
function toLeft({ code, message, retryable }: RunFailure, { taskArns }: TaskRun): Failed {
  if (taskArns.length === 0) return failed({ code, message, retryable });
  const text = `${message} These tasks may still run: ${taskArns.join(", ")}.`;
  return withTasks({ code, message: text, retryable: false }, { taskArns });
}

function withTasks(failure: RunFailure, { taskArns }: Pick<TaskRun, "taskArns">): Failed {
  return failed({ ...failure, outputs: { taskArns: JSON.stringify(taskArns) } });
}

/** Adds the run without undefined values, because it is stored as JSON. */
function withRun(progress: EcsProgress, run: TaskRun): EcsProgress {
  return { ...progress, run: { ...defined(run), taskArns: [...run.taskArns] } };
}

const MAX_WHY_CHARS = 500;
/** A stored intent outlives every attempt that could need it. */
const INTENT_KEPT_MS = 14 * 24 * 3_600_000;

/** Returns the progress before the first try. */
function toFirstProgress({ ctx, settings }: EcsCall, { order }: PreparedOrder): EcsProgress {
  const now = ctx.clock.now();
  return {
    run: { taskArns: [], attempt: 1 },
    startedAt: now,
    deadline: now + settings.timeoutMs,
    placeUntil: now + settings.placementTimeoutMs,
    clientToken: order.clientToken,
    taskDefinition: order.taskDefinition,
    watched: toWatched(undefined, now),
  };
}

function toWatched(before: WatchedTime | undefined, now: number): WatchedTime {
  return noteLook(before, { now, everyMs: EVERY_MS });
}

/** Returns a limit of the progress in watched time. */
function toLimit(limitAt: number, { watched }: EcsProgress): number {
  return limitAt + (watched?.unwatchedMs ?? 0);
}

/**
 * Tries once to start the missing tasks. A try that is repeated after a crash has the same token and starts nothing
 * twice. Continues while causes are temporary and time is left; then stops the started tasks.
 */
async function placeTasks(call: EcsCall, prepared: PreparedOrder, progress: EcsProgress): Promise<EcsStep> {
  const { ctx } = call;
  const { attempt, taskArns, triedAt } = progress.run;
  const clientToken = toToken(progress.clientToken, attempt);
  const intendedAt = await recordIntent(call, prepared.order, attempt);
  const order: TaskOrder = { ...prepared.order, clientToken, ...defined({ intendedAt }), isRefused: attempt > 1 };
  const isForgotten = intendedAt !== undefined && ctx.clock.now() - (triedAt ?? intendedAt) >= TOKEN_MS;
  const result = isForgotten ? await findForgotten(call, order) : await startTasks(call.deps, order, taskArns);
  if (result === undefined) return toForgotten(progress);
  const { startedAt: since } = progress;
  const placementMs = toLimit(progress.placeUntil, progress) - since;
  const deadline = toLimit(progress.deadline, progress);
  const times = { now: ctx.clock.now(), since, placementMs, deadline, everyMs: EVERY_MS };
  const after = decideAfterTry(progress.run, result, toTryLimits(result, times));
  const next = withRun(progress, after.run);
  switch (after.kind) {
    case "started": {
      const count = after.run.taskArns.length;
      const message = `${count} ${count === 1 ? "task" : "tasks"} started.`;
      return running({ progress: next, pollAfterMs: FIRST_LOOK_MS, message });
    }
    case "again": {
      const { why } = after;
      const message = `${result.kind === "failed" ? "Retries" : "Waits for capacity"}: ${why}`;
      ctx.report(message);
      const kept = { ...next, why: cutText(why, MAX_WHY_CHARS) };
      return running({ progress: kept, pollAfterMs: after.afterMs, message });
    }
    case "given-up":
      return endWith(call, next, after.failure);
  }
}

function toToken(base: string, attempt: number): string {
  return attempt === 1 ? base : `${base.slice(0, 50)}-${attempt}`;
}

/**
 * Stores that a try was started, before it is. Returns the instant of an earlier, interrupted call of this try. StartTask
 * has no token, and ECS forgets those of RunTask; without records, the token is all there is.
 */
async function recordIntent(
  { ctx }: EcsCall,
  { instances = [] }: TaskOrder,
  attempt: number,
): Promise<number | undefined> {
  const now = ctx.clock.now();
  const key = `ecs-start/${ctx.idempotencyKey}/${attempt}`;
  const put = { key, value: { at: now }, expected: "absent", expiresAt: now + INTENT_KEPT_MS, now } as const;
  try {
    const written = await ctx.records.put(put);
    if (written.kind === "written") return undefined;
    const value: unknown = written.current?.value;
    return isMap(value) && typeof value["at"] === "number" ? value["at"] : now;
  } catch (error) {
    if (instances.length > 0 || !isStackyardError(error, "CONFIG_INVALID")) throw error;
    return undefined;
  }
}

/**
 * "Ensuring idempotency" of ECS: a token of RunTask ends an hour after its tasks, and then the same request starts them
 * again. ECS shows stopped tasks for an hour, too. With a reserve for the call itself.
 */
const TOKEN_MS = 55 * 60_000;

/** Finds the tasks of an interrupted try whose token ECS may have forgotten; undefined if it does not show them all. */
async function findForgotten({ deps }: EcsCall, order: TaskOrder): Promise<StartResult | undefined> {
  const isWhole = (tasks: readonly Task[]) => tasks.length >= expectedCountOf(order);
  const tasks = await lookUntilComplete(deps, () => findStartedTasks(deps, order), isWhole);
  const taskArns = tasks.flatMap(({ taskArn }) => taskArn ?? []);
  return isWhole(tasks) ? { kind: "started", taskArns } : undefined;
}

/** Ends an attempt that may have started tasks long ago: to start them again might do their work a second time. */
function toForgotten({ run }: EcsProgress): Failed {
  const unknown = "A start of the tasks was interrupted more than an hour ago, and ECS does not show all of them";
  const message = `${unknown}, so it is unknown whether the work was done. Look at their logs before another attempt.`;
  return toLeft({ code: "ECS_TASK_LOST", message, retryable: false }, run);
}

/** Polls the tasks: places missing ones, stops late ones, evaluates stopped ones. */
async function pollTasks(call: EcsCall, before: EcsProgress): Promise<EcsStep> {
  const { ctx, deps, settings } = call;
  const now = ctx.clock.now();
  const watched = toWatched(before.watched, now);
  const progress = { ...before, watched };
  const { run } = progress;
  const isLate = isLimitReached(progress.deadline, watched);
  if (run.startedAt === undefined && !isLate) return placeAgain(call, progress);
  const seen = await describeTasks(deps, { cluster: settings.order.cluster, taskArns: run.taskArns });
  const { kind, absence } = decideAfterLook(run, seen, { now, isLate });
  const looked = withRun(progress, { ...run, absence });
  switch (kind) {
    case "over":
      return finishTasks(call, looked, seen.tasks);
    case "unknown":
      return endLost(call, looked, seen);
    case "late":
      return endLate(call, looked, seen);
    case "running":
      return goOn(call, looked, seen);
  }
}

/**
 * Ends a run with tasks that ECS has forgotten, or has never shown again. They are not stopped, and their ARNs are kept.
 * Their logs may prove that the work was done.
 */
async function endLost(call: EcsCall, progress: EcsProgress, seen: DescribedTasks): Promise<EcsStep> {
  const { settings, deps, logs, definitions } = call;
  const { taskDefinition, run } = progress;
  const { check, tailLines, success } = settings;
  const overrides = toMaskedOverrides(settings);
  const input = { taskArns: seen.missing, taskDefinition, check, overrides, tailLines, success };
  const { text, isProof } = await readLostLogs({ ecs: deps, logs, definitions }, input);
  const others = seen.tasks.length === 0 ? undefined : await finishTasks(call, progress, seen.tasks);
  const known: EcsOutputs = { taskArns: JSON.stringify(run.taskArns) };
  if (isProof) return others ?? succeeded(known);
  const { outputs = known } = others ?? {};
  const { code, message, retryable } = toLost(seen);
  return failed({ code, message: `${message} ${text}`.trim(), retryable, outputs });
}

async function placeAgain(call: EcsCall, progress: EcsProgress): Promise<EcsStep> {
  const prepared = await prepareOrder(call, progress.taskDefinition);
  if (prepared.kind === "prepared") return placeTasks(call, prepared, progress);
  if (!prepared.retryable) return endWith(call, progress, prepared);
  return running({ progress, pollAfterMs: EVERY_MS, message: `Retries: ${prepared.message}` });
}

async function goOn(call: EcsCall, progress: EcsProgress, { tasks, missing }: DescribedTasks): Promise<EcsStep> {
  const reported = await reportLogs(call, progress, tasks);
  const states = toStatesText(tasks, missing.length);
  const { lastLine } = reported;
  return running({
    progress: { ...progress, ...reported },
    pollAfterMs: Math.max(0, Math.min(EVERY_MS, toLimit(progress.deadline, progress) - call.ctx.clock.now())),
    message: lastLine === undefined ? states : `${states}: ${lastLine}`,
  });
}

function endLate(call: EcsCall, progress: EcsProgress, { tasks, missing }: DescribedTasks): EcsStep {
  const { run, deadline, startedAt, why = "no task found a place." } = progress;
  const seconds = Math.round((deadline - startedAt) / 1_000);
  const states = `${toStatesText(tasks, missing.length)}.`;
  const message = `Not done after ${seconds} s: ${run.startedAt === undefined ? why : states}`;
  const end = { code: "ECS_TIMEOUT", message, retryable: false };
  if (call.settings.stopOnTimeout || !mayRun(run)) return endWith(call, progress, end);
  return failed({ ...end, message: `${message} The tasks were not stopped.` });
}

/** Fails, after the tasks were stopped where some may run. */
function endWith({ ctx }: EcsCall, progress: EcsProgress, failure: RunFailure): EcsStep {
  const { code, message, retryable } = failure;
  const { run } = progress;
  if (!mayRun(run)) return failed({ code, message, retryable });
  const now = ctx.clock.now();
  const watched = toWatched(progress.watched, now);
  return running({
    progress: withRun({ ...progress, watched }, { ...run, ...toEnding(run, failure, { now }) }),
    pollAfterMs: 0,
    message: `Stops its tasks: ${message}`,
  });
}

/** A cancel may take five minutes, and its last word must be in time. */
const CANCEL_WITHIN_MS = 4 * 60_000;
const CANCELLED: RunFailure = { code: "ECS_CANCELLED", message: "The attempt was cancelled.", retryable: false };

/**
 * Returns the progress of an attempt to cancel: the next `pollEnd` stops everything it has started, including tasks of
 * an interrupted call. Does not change an end that has begun.
 */
function toCancelled(
  { clock, idempotencyKey }: EcsCall["ctx"],
  { taskDefinition }: EcsConfig,
  progress: EcsProgress | undefined,
): EcsProgress {
  const now = clock.now();
  const instants = { startedAt: now, deadline: now, placeUntil: now };
  const nothing = { run: { taskArns: [], attempt: 1 }, ...instants, clientToken: idempotencyKey, taskDefinition };
  const known: EcsProgress = progress ?? nothing;
  if (known.run.ending !== undefined) return known;
  // The try that the cancel has interrupted may have started tasks just now.
  const run = known.run.startedAt === undefined ? { ...known.run, intendedAt: now } : known.run;
  const watched = toWatched(known.watched, now);
  return withRun({ ...known, watched }, { ...run, ...toEnding(run, CANCELLED, { now, waitMs: CANCEL_WITHIN_MS }) });
}

/** Stops the tasks, then waits until they are STOPPED or the time for it is over. */
async function pollEnd(call: EcsCall, progress: EcsProgress): Promise<EcsStep> {
  const { ctx, deps, settings } = call;
  const { run, taskDefinition } = progress;
  const { cluster } = settings.order;
  const now = ctx.clock.now();
  const taskArns = await findTasks(deps, run, { cluster, startedBy: toStartedBy(ctx), taskDefinition });
  const reason = `Stackyard: task ${ctx.task} of stack ${ctx.stackId}. ${run.ending?.message ?? ""}`;
  const left = await stopLeft(deps, { cluster, taskArns, reason, absence: run.absence });
  const { absence } = left;
  const next = withRun(progress, afterAcceptedStop({ ...run, taskArns, absence }, left.accepted, now));
  const pollAfterMs = decideAfterStop(next.run, left, now);
  if (pollAfterMs === undefined) return left.isUnseen ? toUnseenEnd(next) : toEnd(call, next, left);
  return running({ progress: next, pollAfterMs, message: `Stops: ${toStatesText(left.tasks, left.missing.length)}.` });
}

/** ECS has accepted the stop of tasks that it does not show. */
function toUnseenEnd({ run }: EcsProgress): EcsStep {
  const { code, message } = run.ending ?? CANCELLED;
  const outputs = { taskArns: JSON.stringify(run.taskArns) };
  const text = `${message} Their stop was requested; ecs:DescribeTasks is denied, so their end is unknown.`;
  return failed({ code, message: text, retryable: false, outputs });
}

async function toEnd(call: EcsCall, progress: EcsProgress, { tasks, missing }: StoppedRun): Promise<EcsStep> {
  const { taskArns, startedAt, ending = CANCELLED } = progress.run;
  const { code, message } = ending;
  // The end of a task that ECS does not show is unknown.
  const retryable = ending.retryable && missing.length === 0;
  if (taskArns.length === 0) return failed({ code, message: `${message} No task was started.`, retryable });
  const finished = await finishTasks(call, progress, tasks);
  // Work that was done before the stop arrived is done, where all of it was begun.
  const isWhole = startedAt !== undefined && tasks.length === taskArns.length;
  if (code === CANCELLED.code && isWhole && finished.kind === "succeeded") return finished;
  const states = `The tasks are ${toStatesText(tasks, missing.length)}.`;
  return failed({ code, message: `${message} ${states}`, retryable, ...defined({ outputs: finished.outputs }) });
}

/** Judges stopped tasks, after the rest of their logs was shown. Fails with the codes of `judge`. */
async function finishTasks(
  call: EcsCall,
  progress: EcsProgress,
  tasks: readonly Task[],
): Promise<Succeeded<EcsOutputs> | Failed> {
  const { settings, deps, logs, definitions } = call;
  const { taskDefinition, run } = progress;
  const { taskArns } = run;
  const { check, tailLines, container } = settings;
  await reportLogs(call, progress, tasks);
  const overrides = toMaskedOverrides(settings);
  const input = { tasks, taskDefinition, check, overrides, tailLines };
  const { judgement, text, definition, foreign } = await evaluateTasks({ ecs: deps, logs, definitions }, input);
  for (const line of foreign) call.ctx.report(line);
  if (judgement.kind === "ok") return succeeded(toOutputs({ tasks, taskArns, failures: [], definition, container }));
  const { failures } = judgement;
  const outputs = toOutputs({ tasks, taskArns, failures, definition, container });
  return failed({ code: failures[0].code, message: text, retryable: isRetryable(failures), outputs });
}
