import type { Task } from "@aws-sdk/client-ecs";
import { DescribeTargetHealthCommand, ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { findAwsFault } from "@stackyard/aws";
import { judge, type TaskFailure } from "../judge.ts";
import { createSecretMask } from "../parse-overrides.ts";
import { type FailureLog, type LogTail, tailLogs, toFailureText } from "../tail-logs.ts";
import { describeTasks, findStartedTasks, listTasks, stopTasks, toAwsFailure, toStatesText } from "../task-order.ts";
import { toCountText } from "./start-work.ts";
import {
  configOf,
  fail,
  findRememberedRun,
  finish,
  isAwsError,
  rememberDelete,
  type Turn,
  type TurnContext,
  toDeadline,
  toFailed,
  toStopReason,
} from "./turn.ts";
import { TASK_TAGS, type TaskWork, toTaskTags, type WorkFailure } from "./work-store.ts";

/** ECS sends SIGTERM, then SIGKILL after 30 s by default. */
const ENDED_WITHIN_MS = 45_000;
const MAX_TAILS = 3;
const TAIL_LINES = 20;
/** An answer has 4,096 bytes, and would be cut at its end, where the last line is. */
const MAX_TAIL_CHARS = 1_500;

/** Looks at the tasks: judges them when all have ended, ends them at the deadline. */
export async function watchWork(context: TurnContext): Promise<Turn> {
  const { work, cluster, deps } = context;
  const config = configOf(context);
  const { tasks, missing } = await describeTasks(context.ecs, { cluster, taskArns: work.taskArns });
  const now = deps.clock.now();
  if (missing.length === 0 && tasks.every(({ lastStatus }) => lastStatus === "STOPPED"))
    return evaluateWork(context, tasks);
  if (missing.length > 0 && now - (work.startedAt ?? 0) >= UNKNOWN_FOR_MS) {
    const text = `ECS does not know ${missing.join(", ")} any more. The others are ${toStatesText(tasks)}.`;
    return fail(context, { code: "ECS_TASK_LOST", text });
  }
  const leftMs = toDeadline(config, work) - now;
  if (leftMs > 0) return { kind: "wait", changes: {}, afterMs: Math.min(config.pollInterval * 1_000, leftMs) };
  const seconds = Math.round((now - work.receivedAt) / 1_000);
  const text = `The tasks had not ended after ${seconds} s: ${toStatesText(tasks, missing.length)}. They are stopped.`;
  return fail(context, { code: "ECS_TIMEOUT", text }, { waitMs: ENDED_WITHIN_MS });
}

async function evaluateWork(context: TurnContext, tasks: readonly Task[]): Promise<Turn> {
  const { checkContainers } = configOf(context);
  const definition = await context.definitions.find(context.ecs, context.work.taskDefinitionArn ?? "");
  const essential = definition?.containerDefinitions?.filter((container) => container.essential !== false);
  const names = essential?.flatMap(({ name }) => name ?? []);
  const judgement = judge(tasks, checkContainers, names);
  if (judgement.kind === "ok") {
    const text = `${tasks.length === 1 ? "1 task has" : `${tasks.length} tasks have`} ended, and every checked container exited with 0.`;
    return finish(context, { status: "SUCCESS", code: "RUN", text, why: "RUN", exitCode: 0 });
  }
  const { failures } = judgement;
  const logs = await loadTails(context, failures);
  const { code } = failures[0];
  const end = { status: "FAILED", code, text: toFailureText(failures, { logs }), why: "RUN" } as const;
  return finish(context, { ...end, exitCode: findExitCode(failures) });
}

/** The first that is not 0. Without one it is 0 where every container has ended so, and unknown where one never started. */
function findExitCode(failures: readonly TaskFailure[]): number | undefined {
  const known = failures.find(({ exitCode }) => exitCode !== undefined)?.exitCode;
  return known ?? (failures.every(({ code }) => code === "ECS_TASK_STOPPED") ? 0 : undefined);
}

async function loadTails(context: TurnContext, failures: readonly TaskFailure[]): Promise<readonly FailureLog[]> {
  const { definitions, ecs, logs, work } = context;
  const definition = await definitions.find(ecs, work.taskDefinitionArn ?? "");
  const { containerDefinitions: containers = [] } = definition ?? {};
  const mask = createSecretMask(containers, configOf(context).overrides);
  const named = failures.filter(({ taskArn, container }) => taskArn !== "" && container !== undefined);
  const shown = named.slice(0, MAX_TAILS);
  const tails: FailureLog[] = [];
  for (const { taskArn, container: name = "" } of shown) {
    const container = containers.find((each) => each.name === name);
    const tail = await tailLogs(logs, { taskArn, container, lines: TAIL_LINES, mask });
    tails.push({ taskArn, container: name, tail: toShort(tail, MAX_TAIL_CHARS / shown.length) });
  }
  return tails;
}

/** The last lines that fit, and the end of the last one at least. */
function toShort(tail: LogTail, maxChars: number): LogTail {
  if (tail.kind === "none") return tail;
  const lines: string[] = [];
  let left = maxChars;
  for (const line of [...tail.lines].reverse()) {
    if (line.length > left && lines.length > 0) break;
    lines.unshift(line.length > left ? `…${line.slice(-left)}` : line);
    left -= line.length + 1;
  }
  return { ...tail, lines };
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
  return fail(context, { code: "ECS_TIMEOUT", text: `No target of ${TargetGroupArn} became healthy: ${shown}.` });
}

/** So that network interfaces and the cluster can go after the resource. */
const STOPPED_WITHIN_MS = 120_000;
const LOOK_EVERY_MS = 5_000;

/** Stops what the resource has running, for a Delete. Nothing but a denied or throttled call can fail it. */
export async function stopWork(context: TurnContext): Promise<Turn> {
  const { cluster, deps } = context;
  const until = context.work.until ?? (await beginStop(context));
  if (cluster === "") return toDeleted(context, "The properties name no cluster, so there is nothing to stop.");
  try {
    return await stopOnce(context, until);
  } catch (error) {
    if (!isAwsError(error)) throw error;
    return toStopFailure(context, error, { until, now: deps.clock.now() });
  }
}

/**
 * Notes the Delete before the look at what runs, so that a request from before either is seen there or sees this. ListTasks
 * may not show yet what was started within the last minute.
 */
async function beginStop({ deps, id, work, save }: TurnContext): Promise<number> {
  const until = deps.clock.now() + STOPPED_WITHIN_MS;
  const run = await findRememberedRun(deps, id);
  const isOwn = deps.physicalId !== "taskArn" || run?.taskArns[0] === work.request.PhysicalResourceId;
  const isYoung = run !== undefined && deps.clock.now() - run.startedAt < UNKNOWN_FOR_MS;
  await save({ until, ...(isOwn && isYoung ? { taskArns: run.taskArns, startedAt: run.startedAt } : {}) });
  // The Delete of an old run must not forget the new one. Where nothing has run yet, a Create may still be about to.
  if (isOwn || run === undefined) await rememberDelete(deps, id);
  return until;
}

async function stopOnce(context: TurnContext, until: number): Promise<Turn> {
  const { cluster, deps, ecs, work, id } = context;
  const listed = await findOwn(context, await listTasks(ecs, { cluster, startedBy: id }));
  const taskArns = [...new Set([...work.taskArns, ...listed])];
  if (taskArns.length === 0) return toDeleted(context, "No task was running.");
  if (listed.length > 0) await context.handOver();
  await context.save({ taskArns });
  const { alive, unseen } = await stopKnown(context, taskArns, work.startedAt);
  const left = alive + unseen;
  // Tasks to wait for or to stop were handled before.
  if (left === 0 && !context.work.handedOver) return toDeleted(context, "No task was running.");
  if (left === 0) return toDeleted(context, `${toCountText(taskArns.length)} stopped.`);
  const leftMs = until - deps.clock.now();
  if (leftMs <= 0) return toDeleted(context, `Warning: ${left} of ${taskArns.length} tasks still stop.`);
  return { kind: "wait", changes: {}, afterMs: Math.min(LOOK_EVERY_MS, leftMs) };
}

/**
 * With tasks' ARNs as physical ids, the Delete of an old one comes while the tasks of the new one may run: only those of the
 * id in question are stopped. Tasks without such a tag are of a resource that had its own id.
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
  const { message, retryable } = toAwsFailure(error, `The stop of the tasks in "${cluster}"`);
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
const UNTOLD = { code: "ECS_AWS_ERROR", text: "The work was given up." };

/** Stops the tasks of failed work, waits for their end for `waitMs`, and then responds with the failure. */
export async function endWork(context: TurnContext): Promise<Turn> {
  const { work, deps } = context;
  const { failure = UNTOLD, until = 0 } = work;
  const now = deps.clock.now();
  try {
    const { alive, unseen, changes } = await stopAll(context);
    // What an interrupted try has started, and what was started just now, shows up some seconds later.
    const isSought = work.intendedAt !== undefined || alive > 0;
    const endsAt = unseen > 0 ? toBirth(work) + UNKNOWN_FOR_MS : until;
    if (now >= endsAt || (unseen === 0 && !isSought)) return toFailed(context, failure, changes);
    return { kind: "wait", changes, afterMs: Math.min(LOOK_EVERY_MS, endsAt - now) };
  } catch (error) {
    if (!isAwsError(error)) throw error;
    return meetStopTrouble(context, error, failure);
  }
}

function meetStopTrouble(context: TurnContext, error: unknown, failure: WorkFailure): Turn {
  const { work, deps } = context;
  const { message, retryable } = toAwsFailure(error, "The stop of the tasks");
  const troubledSince = work.troubledSince ?? deps.clock.now();
  if (retryable && deps.clock.now() < toGiveUp(context, troubledSince)) {
    return { kind: "wait", changes: { troubledSince }, afterMs: LOOK_EVERY_MS };
  }
  return toFailed(context, { ...failure, text: `${failure.text} Tasks may still run: ${message}` });
}

/** A task that could not be stopped keeps running, so stopping is retried for a while even without a wait. */
function toGiveUp(context: TurnContext, troubledSince: number): number {
  const latest = toDeadline(configOf(context), context.work) + AFTER_DEADLINE_MS;
  return Math.max(context.work.until ?? 0, Math.min(troubledSince + TROUBLE_MS, latest));
}

/** Tells every task that the work has started to stop. */
export async function stopAll(context: TurnContext): Promise<LeftTasks & { readonly changes: Partial<TaskWork> }> {
  const taskArns = await findAll(context);
  return { ...(await stopKnown(context, taskArns, toBirth(context.work))), changes: { taskArns } };
}

/** An interrupted try may have started tasks whose ARNs were not recorded. */
async function findAll(context: TurnContext): Promise<readonly string[]> {
  const { work, cluster, ecs, id } = context;
  const { taskArns, intendedAt, request, taskDefinitionArn = configOf(context).taskDefinition } = work;
  if (intendedAt === undefined) return taskArns;
  const tags = toTaskTags(request);
  const found = await findStartedTasks(ecs, { cluster, startedBy: id, taskDefinition: taskDefinitionArn, tags });
  return [...new Set([...taskArns, ...found.flatMap(({ taskArn }) => taskArn ?? [])])];
}

/** The tasks that have not stopped yet. */
interface LeftTasks {
  /** They have not stopped yet. */
  readonly alive: number;
  /** ECS does not know them yet, and could not stop them. */
  readonly unseen: number;
}

/** DescribeTasks is eventually consistent: for this long after its start, a running task may be reported as MISSING. */
const UNKNOWN_FOR_MS = 60_000;

/** No task that the work has started is younger. */
function toBirth({ startedAt, triedAt, intendedAt, placingSince }: TaskWork): number {
  return startedAt ?? Math.max(triedAt ?? 0, intendedAt ?? 0, placingSince ?? 0);
}

/** Stops the tasks for which StopTask has not succeeded yet. Repeat until none is left. */
async function stopKnown(
  { cluster, deps, ecs, work }: TurnContext,
  taskArns: readonly string[],
  bornAt: number | undefined,
): Promise<LeftTasks> {
  if (taskArns.length === 0) return { alive: 0, unseen: 0 };
  const { tasks, missing } = await describeTasks(ecs, { cluster, taskArns });
  const alive = tasks.filter(({ lastStatus }) => lastStatus !== "STOPPED");
  const untold = alive
    .filter(({ desiredStatus }) => desiredStatus !== "STOPPED")
    .flatMap(({ taskArn }) => taskArn ?? []);
  const { gone } = await stopTasks(ecs, { cluster, taskArns: [...untold, ...missing], reason: toStopReason(work) });
  const isYoung = bornAt !== undefined && deps.clock.now() - bornAt < UNKNOWN_FOR_MS;
  return { alive: alive.length, unseen: isYoung ? missing.filter((arn) => gone.includes(arn)).length : 0 };
}
