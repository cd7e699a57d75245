import { findAwsFault } from "@stackyard/aws";
import { describeTasks } from "../describe-tasks.ts";
import { listTasks } from "../list-tasks.ts";
import { stopTasks } from "../stop-tasks.ts";
import { toAwsFailure } from "../to-aws-failure.ts";
import { finish } from "./finish-work.ts";
import { TASK_TAGS } from "./identity.ts";
import { isAwsError } from "./is-aws-error.ts";
import { rememberDelete } from "./resource-memory.ts";
import { toCountText } from "./start-work.ts";
import { toStopReason } from "./stop-reason.ts";
import type { Turn, TurnContext } from "./turn.ts";

/** So that network interfaces and the cluster can go after the resource. */
const STOPPED_WITHIN_MS = 120_000;
const LOOK_EVERY_MS = 5_000;

/** Stops what the resource has running, for a Delete. Nothing but a denied or throttled call can fail it. */
export async function stopWork(context: TurnContext): Promise<Turn> {
  const { cluster, deps, id, work } = context;
  // Before the look at what runs, so that a request from before either is seen there or sees this.
  if (deps.physicalId !== "taskArn" && work.until === undefined) await rememberDelete(deps, id);
  if (cluster === "") return toDeleted(context, "The properties name no cluster, so there is nothing to stop.");
  const until = work.until ?? deps.clock.now() + STOPPED_WITHIN_MS;
  try {
    return await stopOnce(context, until);
  } catch (error) {
    if (!isAwsError(error)) throw error;
    return toStopFailure(context, error, until);
  }
}

async function stopOnce(context: TurnContext, until: number): Promise<Turn> {
  const { cluster, deps, ecs, work, id } = context;
  const listed = await findOwn(context, await listTasks(ecs, { cluster, startedBy: id }));
  const taskArns = [...new Set([...work.taskArns, ...listed])];
  if (taskArns.length === 0) return toDeleted(context, "No task was running.");
  if (listed.length > 0) {
    await context.handOver();
    await context.save({ taskArns, until });
    await stopTasks(ecs, { cluster, taskArns: listed, reason: toStopReason(work) });
  }
  const { tasks } = await describeTasks(ecs, { cluster, taskArns });
  const left = tasks.filter(({ lastStatus }) => lastStatus !== "STOPPED").length;
  const changes = { taskArns, until };
  if (left === 0) return toDeleted(context, `${toCountText(taskArns.length)} stopped.`);
  if (deps.clock.now() >= until) return toDeleted(context, `Warning: ${left} of ${taskArns.length} tasks still stop.`);
  return { kind: "wait", changes, afterMs: Math.min(LOOK_EVERY_MS, until - deps.clock.now()) };
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

function toStopFailure(context: TurnContext, error: unknown, until: number): Turn {
  const { deps, cluster } = context;
  const { code, throttled } = findAwsFault(error);
  const { message } = toAwsFailure(error, `The stop of the tasks in "${cluster}"`);
  if (throttled && deps.clock.now() < until) return { kind: "wait", changes: { until }, afterMs: LOOK_EVERY_MS };
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
