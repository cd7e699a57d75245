import type { Task } from "@aws-sdk/client-ecs";
import { DescribeTargetHealthCommand, ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { findAwsFault, isDenial, runOptional } from "@stackyard/aws";
import { evaluateTasks, findTasks, stopLeft } from "../run-tasks.ts";
import { describeTasks, listTasks, toStatesText } from "../task-order.ts";
import {
  decideAfterLook,
  decideAfterStop,
  isStopped,
  isYoung,
  type LeftTasks,
  LOOK_EVERY_MS,
  STOP_WITHIN_MS,
  toLost,
  UNKNOWN_FOR_MS,
} from "../task-run.ts";
import { TASK_TAGS, toTaskTags } from "./identity.ts";
import type { WorkProgress } from "./progress.ts";
import { findRunToStop, type ResourceRun, rememberDelete } from "./resource-record.ts";
import { toCountText } from "./start-work.ts";
import {
  configOf,
  fail,
  finish,
  isAwsError,
  STOPPED_BY_US,
  type Turn,
  type TurnContext,
  toDeadline,
  toFailed,
  toStopReason,
  toTrouble,
  type WorkFailure,
} from "./turn.ts";

const TAIL_LINES = 20;
/** An answer has 4,096 bytes, and would be cut at its end, where the last line is. */
const MAX_TAIL_BYTES = 1_500;

/** Looks at the tasks: judges them when all have ended, ends them at the deadline. */
export async function watchWork(context: TurnContext): Promise<Turn> {
  const { work, cluster, deps, ecs } = context;
  const config = configOf(context);
  const seen = await describeTasks(ecs, { cluster, taskArns: work.taskArns });
  const now = deps.clock.now();
  const deadline = toDeadline(config, work);
  switch (decideAfterLook(work, seen, { now, deadline })) {
    case "over":
      return evaluateWork(context, seen.tasks);
    case "lost":
      return fail(context, toLost(seen));
    case "late": {
      const seconds = Math.round((now - work.receivedAt) / 1_000);
      const states = toStatesText(seen.tasks, seen.missing.length);
      const message = `The tasks had not ended after ${seconds} s: ${states}.`;
      return fail(context, { code: "ECS_TIMEOUT", message }, { waitMs: STOP_WITHIN_MS });
    }
    case "running":
      return { kind: "wait", changes: {}, afterMs: Math.min(config.pollInterval * 1_000, deadline - now) };
  }
}

/**
 * Judges tasks of which one has just ended. Undefined: the execution goes on, because some run, or because they were
 * stopped for a reason that only the execution knows.
 */
export async function judgeEnded(context: TurnContext): Promise<Turn | undefined> {
  const { work, cluster, deps, ecs } = context;
  const config = configOf(context);
  if (config.timeout === 0) return undefined;
  const seen = await describeTasks(ecs, { cluster, taskArns: work.taskArns });
  const isOver = decideAfterLook(work, seen, { now: deps.clock.now(), deadline: toDeadline(config, work) }) === "over";
  const isStoppedByUs = seen.tasks.some(({ stoppedReason = "" }) => stoppedReason.startsWith(STOPPED_BY_US));
  return isOver && !isStoppedByUs ? evaluateWork(context, seen.tasks) : undefined;
}

async function evaluateWork(context: TurnContext, tasks: readonly Task[]): Promise<Turn> {
  const { checkContainers: check, overrides } = configOf(context);
  const { taskDefinitionArn: taskDefinition = "" } = context.work;
  const input = { tasks, taskDefinition, check, overrides, tailLines: TAIL_LINES, maxTailBytes: MAX_TAIL_BYTES };
  const { judgement, text, outputs } = await evaluateTasks(context, input);
  const { exitCode } = outputs;
  if (judgement.kind === "failed") {
    return finish(context, { status: "FAILED", code: judgement.failures[0].code, text, why: "RUN", exitCode });
  }
  const ended = tasks.length === 1 ? "1 task has" : `${tasks.length} tasks have`;
  const success = `${ended} ended, and every checked container exited with 0.`;
  return finish(context, { status: "SUCCESS", code: "RUN", text: success, why: "RUN", exitCode });
}

/** Waits until the target group has a healthy target. */
export async function awaitHealth(context: TurnContext): Promise<Turn> {
  const { deps, signal, work } = context;
  const config = configOf(context);
  const { targetGroupHealthCheck: TargetGroupArn = "", pollInterval } = config;
  const client = deps.aws(ElasticLoadBalancingV2Client, TargetGroupArn.split(":")[3]);
  const answer = await client.send(new DescribeTargetHealthCommand({ TargetGroupArn }), { abortSignal: signal });
  const states = (answer.TargetHealthDescriptions ?? []).map(({ TargetHealth }) => TargetHealth?.State ?? "unknown");
  if (states.includes("healthy")) return { kind: "next", changes: { phase: "start" } };
  const leftMs = toDeadline(config, work) - deps.clock.now();
  if (leftMs > 0) return { kind: "wait", changes: {}, afterMs: Math.min(pollInterval * 1_000, leftMs) };
  const shown = states.length === 0 ? "it has none" : `they are ${[...new Set(states)].join(", ")}`;
  return fail(context, { code: "ECS_TIMEOUT", message: `No target of ${TargetGroupArn} became healthy: ${shown}.` });
}

/** So that network interfaces and the cluster can go after the resource. */
const STOPPED_WITHIN_MS = 120_000;

/** Stops the resource's running tasks, for a Delete. Only a denied or throttled call can fail it. */
export async function stopWork(context: TurnContext): Promise<Turn> {
  const { work, cluster, deps } = context;
  const run = work.until === undefined ? await recordDelete(context) : undefined;
  const until = work.until ?? work.receivedAt + STOPPED_WITHIN_MS;
  if (cluster === "") return toDeleted(context, "The properties name no cluster, so there is nothing to stop.");
  try {
    return await (work.until === undefined ? beginStop(context, { until, run }) : stopOnce(context, until));
  } catch (error) {
    if (!isAwsError(error)) throw error;
    return toStopFailure(context, error, { until, now: deps.clock.now() });
  }
}

/**
 * Records the Delete before tasks are listed, so that a concurrent earlier request is either listed or sees the Delete.
 * Returns the run that it ends. With tasks' ARNs as ids, the Delete of an old run must not forget the new one.
 */
async function recordDelete({ deps, id, work }: TurnContext): Promise<ResourceRun | undefined> {
  const run = await findRunToStop(deps, id);
  const isOwn = deps.physicalId !== "taskArn" || run?.taskArns[0] === work.request.PhysicalResourceId;
  // If nothing has run yet, a Create may be about to.
  if (!isOwn && run !== undefined) return undefined;
  return rememberDelete(deps, id);
}

/** Lists what is to be stopped. ListTasks may not show tasks of the last minute yet, but the record of their run does. */
async function beginStop(
  context: TurnContext,
  { until, run }: { readonly until: number; readonly run: ResourceRun | undefined },
): Promise<Turn> {
  const { cluster, deps, ecs } = context;
  const isYoungRun = run !== undefined && deps.clock.now() - run.startedAt < UNKNOWN_FOR_MS;
  const young = isYoungRun ? { taskArns: run.taskArns, startedAt: run.startedAt } : { taskArns: [] };
  const known = { ...context, work: { ...context.work, ...young } };
  const taskArns = await listOwn(known);
  const isOver = taskArns.length === 0 || (await haveStopped(ecs, { cluster, taskArns }));
  if (isOver) return toDeleted(context, "No task was running.");
  return { kind: "next", changes: { ...young, until, taskArns } };
}

/** Returns false where tasks may be stopped but not described. */
async function haveStopped(
  ecs: TurnContext["ecs"],
  asked: { readonly cluster: string; readonly taskArns: readonly string[] },
): Promise<boolean> {
  try {
    const { tasks, missing } = await runOptional(() => describeTasks(ecs, asked));
    return missing.length === 0 && tasks.every(isStopped);
  } catch (error) {
    if (isDenial(error)) return false;
    throw error;
  }
}

/** Stops what is in the state; tasks that are listed only now get there first. */
async function stopOnce(context: TurnContext, until: number): Promise<Turn> {
  const { work, deps } = context;
  const taskArns = await listOwn(context);
  if (taskArns.length > work.taskArns.length) return { kind: "next", changes: { taskArns } };
  const { alive, unseen } = await stopTasks(context, taskArns);
  const left = alive + unseen;
  if (left === 0) return toDeleted(context, `${toCountText(taskArns.length)} stopped.`);
  const leftMs = until - deps.clock.now();
  if (leftMs <= 0) return toDeleted(context, `Warning: ${left} of ${taskArns.length} tasks still stop.`);
  return { kind: "wait", changes: {}, afterMs: Math.min(LOOK_EVERY_MS, leftMs) };
}

/** Returns the tasks of the state, and those that ECS lists. */
async function listOwn(context: TurnContext): Promise<readonly string[]> {
  const { cluster, ecs, work, id } = context;
  const listed = await findOwn(context, await listOrKnown(context, () => listTasks(ecs, { cluster, startedBy: id })));
  return [...new Set([...work.taskArns, ...listed])];
}

/** Tasks that are known are stopped even if they may not be listed. */
async function listOrKnown({ work }: TurnContext, list: () => Promise<readonly string[]>): Promise<readonly string[]> {
  if (work.taskArns.length === 0) return list();
  try {
    return await runOptional(list);
  } catch (error) {
    if (!isDenial(error)) throw error;
    return work.taskArns;
  }
}

/**
 * Returns the tasks to stop. With tasks' ARNs as physical ids, the Delete of an old one arrives while the tasks of the
 * new one may run: only those of its id. Tasks without such a tag belong to a resource with its own id.
 */
async function findOwn(
  { cluster, deps, ecs, id, work }: TurnContext,
  taskArns: readonly string[],
): Promise<readonly string[]> {
  if (deps.physicalId !== "taskArn" || taskArns.length === 0) return taskArns;
  const { PhysicalResourceId = id } = work.request;
  const { tasks } = await describeTasks(ecs, { cluster, taskArns, tags: true });
  const own = tasks.filter(({ taskArn, tags = [] }) => {
    const tag = tags.find(({ key }) => key === TASK_TAGS.physicalId);
    return taskArn === PhysicalResourceId || (tag?.value ?? id) === PhysicalResourceId;
  });
  return own.flatMap(({ taskArn }) => taskArn ?? []);
}

function toStopFailure(
  context: TurnContext,
  error: unknown,
  { until, now }: { readonly until: number; readonly now: number },
): Turn {
  const { cluster } = context;
  const { code, throttled } = findAwsFault(error);
  const { message, retryable } = toTrouble(context, error, `The stop of the tasks in "${cluster}"`);
  if (retryable && now < until) return { kind: "wait", changes: {}, afterMs: LOOK_EVERY_MS };
  if (throttled || code === "FORBIDDEN" || code === "UNAUTHENTICATED") {
    return finish(context, { status: "FAILED", code: "ECS_AWS_ERROR", text: message }, { taskArns: [] });
  }
  const isGone = error instanceof Error && error.name === "ClusterNotFoundException";
  return toDeleted(context, isGone ? `The cluster "${cluster}" no longer exists.` : `Warning: ${message}`);
}

function toDeleted(context: TurnContext, text: string): Turn {
  // What was stopped was run by other requests.
  return finish(context, { status: "SUCCESS", code: "DELETE", text }, { taskArns: [] });
}

const TROUBLE_MS = 45_000;
/** CloudFormation waits for a minute longer than the work may take; the answer takes some of it. */
const AFTER_DEADLINE_MS = 50_000;
const UNTOLD: WorkFailure = { code: "ECS_AWS_ERROR", message: "The work was abandoned." };

/** Stops the tasks of failed work, waits for their end for `waitMs`, and then responds with the failure. */
export async function endWork(context: TurnContext): Promise<Turn> {
  const { work, deps } = context;
  const { ending: failure = UNTOLD } = work;
  try {
    const { changes, ...left } = await stopAll(context);
    const afterMs = decideAfterStop(work, left, deps.clock.now());
    if (afterMs !== undefined) return { kind: "wait", changes, afterMs };
    return toFailed(context, { ...failure, message: `${failure.message}${toStoppedText(failure, left)}` }, changes);
  } catch (error) {
    if (!isAwsError(error)) throw error;
    return meetStopTrouble(context, error, failure);
  }
}

/** Adds what became of tasks that had not ended by themselves. */
function toStoppedText({ code }: WorkFailure, { isUnseen }: { readonly isUnseen: boolean }): string {
  if (isUnseen) return " Their stop was requested; ecs:DescribeTasks is denied, so their end is unknown.";
  return code === "ECS_TIMEOUT" ? " They are stopped." : "";
}

function meetStopTrouble(context: TurnContext, error: unknown, failure: WorkFailure): Turn {
  const { work, deps } = context;
  const { message, retryable } = toTrouble(context, error, "The stop of the tasks");
  const troubledSince = work.troubledSince ?? deps.clock.now();
  if (retryable && deps.clock.now() < toGiveUp(context, troubledSince)) {
    return { kind: "wait", changes: { troubledSince }, afterMs: LOOK_EVERY_MS };
  }
  return toFailed(context, { ...failure, message: `${failure.message} Tasks may still run: ${message}` });
}

/**
 * Returns when to give up: a task that could not be stopped keeps running, so stopping is retried for a while even
 * without a wait.
 */
function toGiveUp(context: TurnContext, troubledSince: number): number {
  const latest = toDeadline(configOf(context), context.work) + AFTER_DEADLINE_MS;
  return Math.max(context.work.ending?.until ?? 0, Math.min(troubledSince + TROUBLE_MS, latest));
}

/** Stops every task that the work has started, including those known only from an interrupted try. */
export async function stopAll(
  context: TurnContext,
): Promise<LeftTasks & { readonly isUnseen: boolean; readonly changes: Partial<WorkProgress> }> {
  const { work, cluster, ecs, id } = context;
  const { request, taskDefinitionArn: taskDefinition = configOf(context).taskDefinition } = work;
  const order = { cluster, startedBy: id, taskDefinition, tags: toTaskTags(request) };
  const taskArns = await findTasks(ecs, work, order);
  return { ...(await stopTasks(context, taskArns)), changes: { taskArns } };
}

function stopTasks({ cluster, deps, ecs, work }: TurnContext, taskArns: readonly string[]) {
  const input = { cluster, taskArns, reason: toStopReason(work), isYoung: isYoung(work, deps.clock.now()) };
  return stopLeft(ecs, input);
}
