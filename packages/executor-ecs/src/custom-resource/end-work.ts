import { findTasks, type StoppedRun, stopLeft } from "../run-tasks.ts";
import { decideAfterStop, type LeftTasks, LOOK_EVERY_MS } from "../task-run.ts";
import { toTaskTags } from "./identity.ts";
import type { TaskWork, WorkProgress } from "./progress.ts";
import { isAwsError, toTrouble } from "./trouble.ts";
import { configOf, type Turn, type TurnContext, toDeadline, toFailed, type WorkFailure } from "./turn.ts";

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
  const stopped = await stopTasks(context, taskArns);
  return { ...stopped, changes: { taskArns, absence: stopped.absence } };
}

/** Stops these tasks. Repeat until none is left. */
export function stopTasks({ cluster, ecs, work }: TurnContext, taskArns: readonly string[]): Promise<StoppedRun> {
  return stopLeft(ecs, { cluster, taskArns, reason: toStopReason(work), absence: work.absence });
}

/** Begins the reason of every stop that this function has requested. */
export const STOPPED_BY_US = "Stackyard: ";

/** Formats why tasks are stopped, as shown by ECS, with the stack's name. */
function toStopReason({ request, ending }: Pick<TaskWork, "request" | "ending">): string {
  const { StackId, LogicalResourceId, RequestType } = request;
  const why = ending === undefined ? `${RequestType} of the resource` : ending.code;
  return `${STOPPED_BY_US}${why} ${LogicalResourceId} of stack ${StackId}`;
}
