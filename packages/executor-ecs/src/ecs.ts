import type { ContainerDefinition, Task, TaskDefinition } from "@aws-sdk/client-ecs";
import { isDenial, NEW_ROLE_MS } from "@stackyard/aws";
import {
  defined,
  defineExecutor,
  type Executor,
  type Failed,
  failed,
  isStackyardError,
  running,
  type Succeeded,
  succeeded,
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
import { isRetryable, toLastPart } from "./judge.ts";
import { toOutputs } from "./outputs.ts";
import { createSecretMask } from "./parse-overrides.ts";
import { evaluateTasks, findTasks, stopLeft, toEssentialNames } from "./run-tasks.ts";
import { startTasks } from "./start-tasks.ts";
import { type TailInput, tailLogs, toShortId } from "./tail-logs.ts";
import {
  createDefinitionCache,
  type DescribedTasks,
  describeTasks,
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
  isYoung,
  mayRun,
  type RunFailure,
  type TaskRun,
  toEnding,
  toLost,
  toTryLimits,
} from "./task-run.ts";

/** Between two looks, tries and calls that failed. */
const EVERY_MS = 10_000;
/** Time after the deadline in which AWS may fail to answer before the attempt gives up. */
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
    start: (ctx, config) => run(toCall(ctx, config, definitions), undefined, begin),
    poll: (ctx, config, progress) =>
      run(toCall(ctx, config, definitions), progress, (call) =>
        progress.run.ending === undefined ? pollTasks(call, progress) : pollEnd(call, progress),
      ),
    cancel(ctx, config, progress) {
      const cancelled = toCancelled(ctx, config, progress);
      return run(toCall(ctx, config, definitions), cancelled, (call) => pollEnd(call, cancelled));
    },
  });
}

async function begin(call: EcsCall): Promise<EcsStep> {
  const prepared = await prepareOrder(call);
  return prepared.kind === "prepared" ? placeTasks(call, prepared, toFirstProgress(call, prepared)) : prepared;
}

async function run(
  call: EcsCall | Failed,
  progress: EcsProgress | undefined,
  work: (call: EcsCall) => Promise<EcsStep>,
): Promise<EcsStep> {
  if ("kind" in call) return call;
  try {
    return await work(call);
  } catch (error) {
    if (progress === undefined) return toNotStarted(call, error);
    return call.ctx.signal.aborted ? toInterrupted(progress) : toAskedAgain(call, progress, error);
  }
}

/** Returns the failure when nothing was started. Rethrows our own errors. */
function toNotStarted({ ctx, settings }: EcsCall, error: unknown): EcsStep {
  if (ctx.signal.aborted || isStackyardError(error)) throw error;
  return failed(toAwsFailure(error, toWhat(settings)));
}

/**
 * Polls the same progress again after a transient error of AWS, which must not end running tasks. After another one the
 * tasks are stopped.
 */
function toAskedAgain(call: EcsCall, progress: EcsProgress, error: unknown): EcsStep {
  const { ctx, settings } = call;
  const failure = toAwsFailure(error, toWhat(settings));
  const { ending } = progress.run;
  const until = Math.max(progress.deadline, ending?.until ?? 0) + PATIENCE_MS;
  const isNewRole = isDenial(error) && ctx.clock.now() < progress.startedAt + NEW_ROLE_MS;
  if ((failure.retryable || isNewRole) && ctx.clock.now() < until) {
    return running({ progress, pollAfterMs: EVERY_MS, message: `Retries: ${failure.message}` });
  }
  if (ending === undefined) return endWith(call, progress, failure);
  // The stop itself has failed; why the tasks were to end comes first.
  const { code, message, retryable } = ending;
  return toLeft({ code, message: `${message} The stop failed: ${failure.message}`, retryable }, progress.run);
}

function toWhat({ order }: EcsCall["settings"]): string {
  return `A call of ECS in "${order.cluster}"`;
}

/** Returns the progress of an interrupted call, so that a later cancel finds the tasks. */
function toInterrupted(progress: EcsProgress): EcsStep {
  return running({ progress, pollAfterMs: 0, message: "The call was interrupted; the tasks run on." });
}

/** Adds to the failure which tasks may still run. */
function toLeft(failure: RunFailure, { taskArns }: TaskRun): Failed {
  if (taskArns.length === 0) return failed(failure);
  const message = `${failure.message} These tasks may still run: ${taskArns.join(", ")}.`;
  return failed({ ...failure, message, outputs: { taskArns: JSON.stringify(taskArns) } });
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
  };
}

/**
 * Tries once to start the missing tasks. A try that is repeated after a crash has the same token and starts nothing
 * twice. Continues while causes are temporary and time is left; then stops the started tasks.
 */
async function placeTasks(call: EcsCall, prepared: PreparedOrder, progress: EcsProgress): Promise<EcsStep> {
  const { ctx } = call;
  const { attempt, taskArns } = progress.run;
  const clientToken = toToken(progress.clientToken, attempt);
  const intent = await recordIntent(call, prepared.order, attempt);
  const order: TaskOrder = { ...prepared.order, clientToken, ...intent, isRefused: attempt > 1 };
  const result = await startTasks(call.deps, order, taskArns);
  const { startedAt: since, placeUntil, deadline } = progress;
  const times = { now: ctx.clock.now(), since, placementMs: placeUntil - since, deadline, everyMs: EVERY_MS };
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
      const kept = { ...next, why: why.slice(0, MAX_WHY_CHARS) };
      return running({ progress: kept, pollAfterMs: after.afterMs, message });
    }
    case "given-up":
      return endWith(call, next, after.failure);
  }
}

function toToken(base: string, attempt: number): string {
  return attempt === 1 ? base : `${base.slice(0, 50)}-${attempt}`;
}

/** Stores that a try was started, because StartTask has no token: a repeat then checks before it starts. */
async function recordIntent(
  { ctx }: EcsCall,
  { instances = [] }: TaskOrder,
  attempt: number,
): Promise<Pick<TaskOrder, "intendedAt">> {
  if (instances.length === 0) return {};
  const now = ctx.clock.now();
  const key = `ecs-start/${ctx.idempotencyKey}/${attempt}`;
  const expiresAt = now + INTENT_KEPT_MS;
  const written = await ctx.records.put({ key, value: { at: now }, expected: "absent", expiresAt, now });
  if (written.kind === "written") return {};
  const value: unknown = written.current?.value;
  const at: unknown = typeof value === "object" && value !== null && "at" in value ? value.at : undefined;
  return { intendedAt: typeof at === "number" ? at : now };
}

/** Polls the tasks: places missing ones, stops late or lost ones, evaluates stopped ones. */
async function pollTasks(call: EcsCall, progress: EcsProgress): Promise<EcsStep> {
  const { ctx, deps, settings } = call;
  const { run, deadline } = progress;
  const now = ctx.clock.now();
  if (run.startedAt === undefined && now < deadline) return placeAgain(call, progress);
  const seen = await describeTasks(deps, { cluster: settings.order.cluster, taskArns: run.taskArns });
  switch (decideAfterLook(run, seen, { now, deadline })) {
    case "over":
      return finishTasks(call, progress, seen.tasks);
    case "lost":
      return endWith(call, progress, toLost(seen));
    case "late":
      return endLate(call, progress, seen);
    case "running":
      return goOn(call, progress, seen);
  }
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
    pollAfterMs: Math.max(0, Math.min(EVERY_MS, progress.deadline - call.ctx.clock.now())),
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
  return running({
    progress: withRun(progress, { ...run, ...toEnding(run, failure, { now: ctx.clock.now() }) }),
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
  return withRun(known, { ...run, ...toEnding(run, CANCELLED, { now, waitMs: CANCEL_WITHIN_MS }) });
}

/** Stops the tasks, then waits until they are STOPPED or the time for it is over. */
async function pollEnd(call: EcsCall, progress: EcsProgress): Promise<EcsStep> {
  const { ctx, deps, settings } = call;
  const { run, taskDefinition } = progress;
  const { cluster } = settings.order;
  const now = ctx.clock.now();
  const taskArns = await findTasks(deps, run, { cluster, startedBy: toStartedBy(ctx), taskDefinition });
  const reason = `Stackyard: task ${ctx.task} of stack ${ctx.stackId}. ${run.ending?.message ?? ""}`;
  const left = await stopLeft(deps, { cluster, taskArns, reason, isYoung: isYoung(run, now) });
  const next = withRun(progress, afterAcceptedStop({ ...run, taskArns }, left.accepted, now));
  const pollAfterMs = decideAfterStop(next.run, left, now);
  if (pollAfterMs === undefined) return left.isUnseen ? toUnseenEnd(next) : toEnd(call, next, left.tasks);
  return running({ progress: next, pollAfterMs, message: `Stops: ${toStatesText(left.tasks, left.missing.length)}.` });
}

/** ECS has accepted the stop of tasks that it does not show. */
function toUnseenEnd({ run }: EcsProgress): EcsStep {
  const { code, message, retryable } = run.ending ?? CANCELLED;
  const outputs = { taskArns: JSON.stringify(run.taskArns) };
  const text = `${message} Their stop was requested; ecs:DescribeTasks is denied, so their end is unknown.`;
  return failed({ code, message: text, retryable, outputs });
}

async function toEnd(call: EcsCall, progress: EcsProgress, tasks: readonly Task[]): Promise<EcsStep> {
  const { taskArns, startedAt, ending = CANCELLED } = progress.run;
  const { code, message, retryable } = ending;
  if (taskArns.length === 0) return failed({ code, message: `${message} No task was started.`, retryable });
  const finished = await finishTasks(call, progress, tasks);
  // Work that was done before the stop arrived is done, where all of it was begun.
  const isWhole = startedAt !== undefined && tasks.length === taskArns.length;
  if (code === CANCELLED.code && isWhole && finished.kind === "succeeded") return finished;
  const states = `The tasks are ${toStatesText(tasks)}.`;
  return failed({ code, message: `${message} ${states}`, retryable, ...defined({ outputs: finished.outputs }) });
}

/** Judges stopped tasks, after the rest of their logs was shown. Fails with the codes of `judge`. */
async function finishTasks(
  call: EcsCall,
  progress: EcsProgress,
  tasks: readonly Task[],
): Promise<Succeeded<EcsOutputs> | Failed> {
  const { settings, deps, logs, definitions } = call;
  const { taskDefinition } = progress;
  const { check, tailLines, container } = settings;
  await reportLogs(call, progress, tasks);
  const overrides = toMaskedOverrides(settings);
  const input = { tasks, taskDefinition, check, overrides, tailLines };
  const { judgement, text, definition } = await evaluateTasks({ ecs: deps, logs, definitions }, input);
  if (judgement.kind === "ok") return succeeded(toOutputs({ tasks, failures: [], definition, container }));
  const { failures } = judgement;
  const outputs = toOutputs({ tasks, failures, definition, container });
  return failed({ code: failures[0].code, message: text, retryable: isRetryable(failures), outputs });
}

const MAX_STREAMS = 10;
const MAX_LINE_CHARS = 200;
/** Before that no container has written anything. */
const SILENT: ReadonlySet<string> = new Set(["PROVISIONING", "PENDING", "ACTIVATING"]);

/**
 * Reports the checked containers' new log lines since the last call, and returns the progress for the next one. Skips a
 * log that cannot be read.
 */
async function reportLogs(
  call: EcsCall,
  progress: EcsProgress,
  tasks: readonly Task[],
): Promise<Pick<EcsProgress, "logs" | "lastLine">> {
  const { ctx, settings } = call;
  const definition = await call.definitions.find(call.deps, progress.taskDefinition);
  const mask = createSecretMask(definition?.containerDefinitions ?? [], toMaskedOverrides(settings));
  const known = new Map(Object.entries(progress.logs ?? {}));
  let { lastLine } = progress;
  for (const stream of settings.tailLines === 0 ? [] : listStreams(tasks, definition, settings)) {
    const key = `${toLastPart(stream.task)}/${stream.container.name}`;
    const { lines, next } = await readNew(call, stream, { mask, ...defined({ after: known.get(key) }) });
    if (next !== undefined) known.set(key, next);
    for (const line of lines) ctx.report(`${stream.label}${line}`);
    lastLine = lines.at(-1)?.slice(0, MAX_LINE_CHARS) ?? lastLine;
  }
  return {
    ...(known.size === 0 ? {} : { logs: Object.fromEntries(known) }),
    ...defined({ lastLine }),
  };
}

async function readNew(
  { logs }: EcsCall,
  { task: taskArn, container }: ShownStream,
  options: Pick<TailInput, "mask" | "after">,
): Promise<{ readonly lines: readonly string[]; readonly next?: string | undefined }> {
  const tail = await tailLogs(logs, { taskArn, container, ...options });
  if (tail.kind === "none") return { lines: [] };
  const { lines, next, skipped } = tail;
  return { lines: skipped === undefined ? lines : [`… ${skipped} lines are in the log alone`, ...lines], next };
}

interface ShownStream {
  readonly task: string;
  readonly container: ContainerDefinition;
  readonly label: string;
}

function listStreams(
  tasks: readonly Task[],
  definition: TaskDefinition | undefined,
  { check }: EcsCall["settings"],
): readonly ShownStream[] {
  const names = check === "essential" ? (toEssentialNames(definition) ?? []) : check;
  const all = definition?.containerDefinitions ?? [];
  const shown = all.filter(({ name = "" }) => names === "all" || names.includes(name));
  const started = tasks.filter(({ lastStatus = "" }) => !SILENT.has(lastStatus));
  const streams = started.flatMap(({ taskArn: task }) =>
    task === undefined
      ? []
      : shown.map((container) => ({ task, container, label: toLabel(task, container, tasks.length, shown.length) })),
  );
  return streams.slice(0, MAX_STREAMS);
}

function toLabel(task: string, { name }: ContainerDefinition, tasks: number, containers: number): string {
  const parts = [tasks > 1 ? toShortId(task) : "", containers > 1 ? name : ""].filter(Boolean);
  return parts.length === 0 ? "" : `${parts.join("/")}: `;
}
