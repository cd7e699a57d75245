import { describeTasks } from "../describe-tasks.ts";
import { findStartedTasks } from "../find-started-tasks.ts";
import { stopTasks } from "../stop-tasks.ts";
import { toAwsFailure } from "../to-aws-failure.ts";
import { toFailed } from "./finish-work.ts";
import { toTaskTags } from "./identity.ts";
import { isAwsError } from "./is-aws-error.ts";
import { toStopReason } from "./stop-reason.ts";
import type { TaskWork } from "./task-work.ts";
import { configOf, type Turn, type TurnContext } from "./turn.ts";

const LOOK_EVERY_MS = 5_000;
const UNTOLD = { code: "ECS_AWS_ERROR", text: "The work was given up." };

/** Stops the tasks of work that has failed, waits for their end as long as it was told, and then tells the failure. */
export async function endWork(context: TurnContext): Promise<Turn> {
  const { work, deps } = context;
  const { failure = UNTOLD, until = 0 } = work;
  const isOver = () => deps.clock.now() >= until;
  try {
    const { left, changes } = await stopAll(context);
    // What an interrupted try has started shows up some seconds later.
    const isSought = work.intendedAt !== undefined;
    if (isOver() || (left === 0 && !isSought)) return toFailed(context, failure, changes);
    return { kind: "wait", changes, afterMs: Math.min(LOOK_EVERY_MS, until - deps.clock.now()) };
  } catch (error) {
    if (!isAwsError(error)) throw error;
    const { message, retryable } = toAwsFailure(error, "The stop of the tasks");
    if (retryable && !isOver()) return { kind: "wait", changes: {}, afterMs: LOOK_EVERY_MS };
    return toFailed(context, { ...failure, text: `${failure.text} Tasks may still run: ${message}` });
  }
}

/** Tells every task that the work has started to stop. `left`: how many have not stopped. */
export async function stopAll(
  context: TurnContext,
): Promise<{ readonly left: number; readonly changes: Partial<TaskWork> }> {
  const { cluster, ecs, work } = context;
  const taskArns = await findAll(context);
  if (taskArns.length === 0) return { left: 0, changes: {} };
  const { tasks, missing } = await describeTasks(ecs, { cluster, taskArns });
  const running = tasks.filter(({ lastStatus }) => lastStatus !== "STOPPED");
  const untold = running
    .filter(({ desiredStatus }) => desiredStatus !== "STOPPED")
    .flatMap(({ taskArn }) => taskArn ?? []);
  await stopTasks(ecs, { cluster, taskArns: [...untold, ...missing], reason: toStopReason(work) });
  return { left: running.length, changes: { taskArns } };
}

/** A try that never came to its end may have started tasks whose ARNs nobody has noted. */
async function findAll(context: TurnContext): Promise<readonly string[]> {
  const { work, cluster, ecs, id } = context;
  const { taskArns, intendedAt, request, taskDefinitionArn = configOf(context).taskDefinition } = work;
  if (intendedAt === undefined) return taskArns;
  const tags = toTaskTags(request);
  const found = await findStartedTasks(ecs, { cluster, startedBy: id, taskDefinition: taskDefinitionArn, tags });
  return [...new Set([...taskArns, ...found.flatMap(({ taskArn }) => taskArn ?? [])])];
}
