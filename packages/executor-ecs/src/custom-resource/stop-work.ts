import { findAwsFault } from "@stackyard/aws";
import { describeTasks } from "../describe-tasks.ts";
import { listTasks } from "../list-tasks.ts";
import { toAwsFailure } from "../to-aws-failure.ts";
import { finish } from "./finish-work.ts";
import { TASK_TAGS } from "./identity.ts";
import { isAwsError } from "./is-aws-error.ts";
import { findRememberedRun, rememberDelete } from "./resource-memory.ts";
import { toCountText } from "./start-work.ts";
import { stopKnown, UNKNOWN_FOR_MS } from "./stop-known.ts";
import type { Turn, TurnContext } from "./turn.ts";

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
  // What has to be waited for, or was told to stop, was handed over before.
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
  return toDeleted(context, isGone ? `There is no cluster "${cluster}" any more.` : `Warning: ${message}`);
}

function toDeleted(context: TurnContext, text: string): Turn {
  // What was stopped was run by other requests.
  return finish(context, { status: "SUCCESS", code: "DELETE", text }, { taskArns: [] });
}
