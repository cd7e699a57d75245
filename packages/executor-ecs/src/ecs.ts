import { defineExecutor, type Executor, type Failed, failed, isStackyardError, running } from "@stackyard/core";
import { type EcsConfig, type EcsProgress, ecsDefinition } from "./definition.ts";
import { type EcsCall, type EcsStep, type PreparedOrder, planTasks, prepareOrder, toCall } from "./ecs-call.ts";
import { beginEnd, finishTasks, isYoung, pollEnd, reportLogs, toCancelled } from "./end-tasks.ts";
import { type StartResult, startTasks } from "./start-tasks.ts";
import {
  type AwsFailure,
  createDefinitionCache,
  type DefinitionCache,
  type DescribedTasks,
  describeTasks,
  type TaskOrder,
  toAwsFailure,
  toStatesText,
} from "./task-order.ts";

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

/** Adds to the failure which tasks may still run. */
function toLeft(failure: AwsFailure, { taskArns }: EcsProgress): Failed {
  if (taskArns.length === 0) return failed(failure);
  const message = `${failure.message} These tasks may still run: ${taskArns.join(", ")}.`;
  return failed({ ...failure, message, outputs: { taskArns: JSON.stringify(taskArns) } });
}

const FIRST_POLL_MS = 2_000;
const TRY_EVERY_MS = 10_000;
const MAX_WHY_CHARS = 500;
/** A record of an intent outlives every attempt that could ask for it. */
const INTENT_KEPT_MS = 14 * 24 * 3_600_000;

/** The progress before the first try. */
function toFirstProgress({ ctx, settings }: EcsCall, { order, taskDefinitionArn }: PreparedOrder): EcsProgress {
  const now = ctx.clock.now();
  return {
    taskArns: [],
    startedAt: now,
    deadline: now + settings.timeoutMs,
    clientToken: order.clientToken,
    taskDefinition: taskDefinitionArn,
    placement: { tries: 1, until: now + settings.placementTimeoutMs },
  };
}

/**
 * One try to start what is missing. A try that is repeated after a crash has the same token and starts nothing twice. While
 * causes are temporary and time is left, the step continues; then the started tasks are stopped.
 */
async function placeTasks(call: EcsCall, prepared: PreparedOrder, progress: EcsProgress): Promise<EcsStep> {
  const { ctx } = call;
  const { tries } = progress.placement;
  const clientToken = toToken(progress.clientToken, tries);
  const order: TaskOrder = { ...prepared.order, clientToken, ...(await recordIntent(call, prepared.order, tries)) };
  const result = await startTasks(call.deps, order, progress.taskArns);
  const now = ctx.clock.now();
  const placement = { ...progress.placement, triedAt: now };
  const next: EcsProgress = { ...progress, taskArns: [...result.taskArns], placement };
  if (result.kind === "started") {
    const count = result.taskArns.length;
    const message = `${count} ${count === 1 ? "task" : "tasks"} started.`;
    const placed = { ...next, placement: { ...placement, doneAt: now } };
    return running({ progress: placed, pollAfterMs: FIRST_POLL_MS, message });
  }
  const until = Math.min(progress.placement.until, progress.deadline);
  return isPassing(result) && now < until
    ? tryAgain(call, next, { result, waitMs: Math.min(TRY_EVERY_MS, until - now) })
    : giveUp(call, next, result);
}

type NotStarted = Exclude<StartResult, { kind: "started" }>;

function isPassing(result: NotStarted): boolean {
  return result.kind === "retry" || result.retryable;
}

function tryAgain(
  { ctx }: EcsCall,
  progress: EcsProgress,
  { result, waitMs }: { readonly result: NotStarted; readonly waitMs: number },
): EcsStep {
  // Without an answer from ECS, only the same request with the same token shows what it did.
  const isSameTry = result.kind === "failed" || result.isSameTry;
  const unanswered = result.kind === "failed" || (result.isSameTry && progress.placement.unanswered === true);
  const tries = progress.placement.tries + (isSameTry ? 0 : 1);
  const message = `${result.kind === "failed" ? "Asks again" : "Waits for room"}: ${result.message}`;
  ctx.report(message);
  const why = result.message.slice(0, MAX_WHY_CHARS);
  const placement = { ...progress.placement, tries, why, unanswered };
  return running({ progress: { ...progress, placement }, pollAfterMs: waitMs, message });
}

function giveUp(call: EcsCall, progress: EcsProgress, result: NotStarted): EcsStep {
  const { kind, code, message } = result;
  const retryable = isPassing(result);
  const unanswered = (kind === "failed" && retryable) || progress.placement.unanswered === true;
  if (result.taskArns.length === 0 && !unanswered) return failed({ code, message, retryable });
  const placement = { ...progress.placement, unanswered };
  return beginEnd(call, { ...progress, placement }, { code, message, retryable });
}

function toToken(base: string, tries: number): string {
  return tries === 1 ? base : `${base.slice(0, 50)}-${tries}`;
}

/** StartTask knows no token: that a try was begun is written down before it, so that a repeat looks before it starts. */
async function recordIntent(
  { ctx }: EcsCall,
  { instances = [] }: TaskOrder,
  tries: number,
): Promise<Pick<TaskOrder, "intendedAt">> {
  if (instances.length === 0) return {};
  const now = ctx.clock.now();
  const key = `ecs-start/${ctx.idempotencyKey}/${tries}`;
  const expiresAt = now + INTENT_KEPT_MS;
  const written = await ctx.records.put({ key, value: { at: now }, expected: "absent", expiresAt, now });
  if (written.kind === "written") return {};
  const value: unknown = written.current?.value;
  const at: unknown = typeof value === "object" && value !== null && "at" in value ? value.at : undefined;
  return { intendedAt: typeof at === "number" ? at : now };
}

const POLL_EVERY_MS = 10_000;

/** Looks at the tasks: places what is missing, ends what is late or lost, judges what has stopped. */
async function pollTasks(call: EcsCall, progress: EcsProgress): Promise<EcsStep> {
  const { ctx, deps, settings } = call;
  const { cluster } = settings.order;
  const { doneAt } = progress.placement;
  const now = ctx.clock.now();
  if (doneAt === undefined && now < progress.deadline) return placeAgain(call, progress);
  const seen = await describeTasks(deps, { cluster, taskArns: progress.taskArns });
  const isOver = seen.missing.length === 0 && seen.tasks.every(({ lastStatus }) => lastStatus === "STOPPED");
  if (doneAt !== undefined && isOver) return finishTasks(call, progress, seen.tasks);
  if (seen.missing.length > 0 && doneAt !== undefined && !isYoung(progress, now)) return endLost(call, progress, seen);
  if (now >= progress.deadline) return endLate(call, progress, seen);
  return goOn(call, progress, seen);
}

async function placeAgain(call: EcsCall, progress: EcsProgress): Promise<EcsStep> {
  const prepared = await prepareOrder(call, progress.taskDefinition);
  if (prepared.kind === "prepared") return placeTasks(call, prepared, progress);
  const { code, message, retryable } = prepared;
  if (retryable) return running({ progress, pollAfterMs: POLL_EVERY_MS, message: `Asks again: ${message}` });
  return mayRun(progress) ? beginEnd(call, progress, { code, message, retryable }) : prepared;
}

/** Returns true if a task of the attempt may run, even one that ECS has not returned. */
function mayRun({ taskArns, placement }: EcsProgress): boolean {
  return taskArns.length > 0 || placement.unanswered === true;
}

async function goOn(call: EcsCall, progress: EcsProgress, { tasks, missing }: DescribedTasks): Promise<EcsStep> {
  const definition = await call.definitions.find(call.deps, progress.taskDefinition);
  const reported = await reportLogs(call, progress, { tasks, definition });
  const states = toStatesText(tasks, missing.length);
  const { lastLine } = reported;
  return running({
    progress: { ...progress, ...reported },
    pollAfterMs: Math.max(0, Math.min(POLL_EVERY_MS, progress.deadline - call.ctx.clock.now())),
    message: lastLine === undefined ? states : `${states}: ${lastLine}`,
  });
}

function endLost(call: EcsCall, progress: EcsProgress, { missing }: DescribedTasks): EcsStep {
  const message = `ECS does not know ${missing.join(", ")}; it forgets stopped tasks after an hour.`;
  return beginEnd(call, progress, { code: "ECS_TASK_LOST", message, retryable: true });
}

function endLate(call: EcsCall, progress: EcsProgress, { tasks, missing }: DescribedTasks): EcsStep {
  const seconds = Math.round((progress.deadline - progress.startedAt) / 1_000);
  const { doneAt, why = "no task found a place." } = progress.placement;
  const states = `${toStatesText(tasks, missing.length)}.`;
  const message = `Not done after ${seconds} s: ${doneAt === undefined ? why : states}`;
  const end = { code: "ECS_TIMEOUT", message, retryable: false };
  if (!mayRun(progress)) return failed(end);
  if (call.settings.stopOnTimeout) return beginEnd(call, progress, end);
  return failed({ ...end, message: `${message} The tasks were not stopped.` });
}
