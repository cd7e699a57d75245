import { findAwsFault } from "@stackyard/aws";
import { unlessDenied } from "../run-tasks.ts";
import { describeTasks, listTasks } from "../task-order.ts";
import { isStopped, LOOK_EVERY_MS } from "../task-run.ts";
import { stopTasks } from "./end-work.ts";
import { TASK_TAGS } from "./identity.ts";
import { findClusters, findRunToStop, type ResourceRun, rememberDelete } from "./resource-record.ts";
import { toCountText } from "./response.ts";
import { isAwsError, toTrouble } from "./trouble.ts";
import { finish, type Turn, type TurnContext } from "./turn.ts";

/** So that network interfaces and the cluster can go after the resource. */
const STOPPED_WITHIN_MS = 120_000;

/**
 * Stops the resource's running tasks, for a Delete: in the cluster of its properties, then in others where earlier requests
 * have started some. Only a denied or throttled call can fail it.
 */
export async function stopWork(context: TurnContext): Promise<Turn> {
  const { work, cluster, deps, id } = context;
  const further = work.further ?? (await findClusters(deps, id)).filter((each) => each !== cluster);
  const turn = await stopInCluster({ ...context, work: { ...work, further } });
  return { ...turn, changes: { further, ...turn.changes } };
}

async function stopInCluster(context: TurnContext): Promise<Turn> {
  const { work, cluster, deps } = context;
  const run = work.until === undefined ? await recordDelete(context) : undefined;
  const until = work.until ?? work.receivedAt + STOPPED_WITHIN_MS;
  if (cluster === "") return toStopped(context, "The properties name no cluster, so there is nothing to stop.");
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

const NOTHING = "No task was running.";

/** No run is waited for longer than an hour, and ECS shows its tasks for another one. */
const SHOWN_FOR_MS = 2 * 3_600_000;

/** Lists what is to be stopped. One answer of ListTasks may not show a task, but the record of its run does. */
async function beginStop(
  context: TurnContext,
  { until, run }: { readonly until: number; readonly run: ResourceRun | undefined },
): Promise<Turn> {
  const { cluster, deps, ecs } = context;
  const isShown =
    run !== undefined && (run.cluster ?? cluster) === cluster && deps.clock.now() - run.startedAt < SHOWN_FOR_MS;
  const recorded = isShown ? { taskArns: run.taskArns, startedAt: run.startedAt } : { taskArns: [] };
  const known = { ...context, work: { ...context.work, ...recorded } };
  const { taskArns, isWhole } = await listOwn(known);
  const isOver = isWhole && (taskArns.length === 0 || (await haveStopped(ecs, { cluster, taskArns })));
  if (isOver) return toStopped(context, NOTHING);
  return { kind: "next", changes: { ...recorded, until, taskArns } };
}

/** Returns false where tasks may be stopped but not described. */
async function haveStopped(
  ecs: TurnContext["ecs"],
  asked: { readonly cluster: string; readonly taskArns: readonly string[] },
): Promise<boolean> {
  const seen = await unlessDenied(() => describeTasks(ecs, asked));
  return seen !== undefined && seen.missing.length === 0 && seen.tasks.every(isStopped);
}

/** Stops what is in the state; tasks that are listed only now get there first. */
async function stopOnce(context: TurnContext, until: number): Promise<Turn> {
  const { work, deps } = context;
  const { taskArns, isWhole } = await listOwn(context);
  if (taskArns.length > work.taskArns.length) return { kind: "next", changes: { taskArns } };
  const { alive, unseen, absence, isUnseen } = await stopTasks(context, taskArns);
  const left = alive + unseen;
  const leftMs = until - deps.clock.now();
  if (left > 0 && leftMs > 0) return { kind: "wait", changes: { absence }, afterMs: Math.min(LOOK_EVERY_MS, leftMs) };
  const text = toStoppedText(taskArns.length, left, isUnseen);
  if (isWhole) return toStopped(context, text);
  const unlisted = `${text} ecs:ListTasks is denied, so tasks of earlier requests may still run: allow it, and delete again.`;
  return finish(context, { status: "FAILED", code: "ECS_AWS_ERROR", text: unlisted }, { taskArns: [] });
}

function toStoppedText(count: number, left: number, isUnseen: boolean): string {
  if (isUnseen)
    return `Warning: ${toCountText(count)} asked to stop, and their end is unknown: ecs:DescribeTasks is denied.`;
  return left === 0 ? `${toCountText(count)} stopped.` : `Warning: ${left} of ${count} tasks still stop.`;
}

/**
 * Returns the tasks of the state, and those that ECS lists. Known ones are stopped even if they may not be listed; then
 * `isWhole` is false.
 */
async function listOwn(
  context: TurnContext,
): Promise<{ readonly taskArns: readonly string[]; readonly isWhole: boolean }> {
  const { cluster, ecs, work, id } = context;
  const list = () => listTasks(ecs, { cluster, startedBy: id });
  const listed = work.taskArns.length === 0 ? await list() : await unlessDenied(list);
  const own = await findOwn(context, listed ?? work.taskArns);
  return { taskArns: [...new Set([...work.taskArns, ...own])], isWhole: listed !== undefined };
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
  const { answer, code, throttled } = findAwsFault(error);
  const { message, retryable } = toTrouble(context, error, `The stop of the tasks in "${cluster}"`);
  if (retryable && now < until) return { kind: "wait", changes: {}, afterMs: LOOK_EVERY_MS };
  if (throttled || code === "FORBIDDEN" || code === "UNAUTHENTICATED") {
    return finish(context, { status: "FAILED", code: "ECS_AWS_ERROR", text: message }, { taskArns: [] });
  }
  return toStopped(context, answer === "gone" ? `The cluster "${cluster}" no longer exists.` : `Warning: ${message}`);
}

/** Ends the stop in one cluster: the next one follows, or the response. */
function toStopped(context: TurnContext, text: string): Turn {
  const { told, cluster: isFurther, further: [cluster, ...further] = [] } = context.work;
  const own = isFurther === undefined ? text : `In the cluster "${context.cluster}": ${text}`;
  const all = told === undefined || text !== NOTHING ? [told ?? [], own].flat().join(" ") : told;
  // The stopped tasks were run by other requests.
  if (cluster === undefined) return finish(context, { status: "SUCCESS", code: "DELETE", text: all }, { taskArns: [] });
  const anew = { until: undefined, absence: undefined, taskArns: [], startedAt: undefined };
  return { kind: "next", changes: { ...anew, cluster, further, told: all } };
}
