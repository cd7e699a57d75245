import type { Failure, Task } from "@aws-sdk/client-ecs";
import { findAwsFault } from "@stackyard/aws";
import { describeTasks } from "./describe-tasks.ts";
import { findStartedTasks } from "./find-started-tasks.ts";
import { sendStartTask } from "./send-start-task.ts";
import { type EcsDeps, type TaskOrder, toStartTaskInput } from "./task-order.ts";

/** What ECS answered to a try: tasks, and why some have none. */
export interface StartAnswer {
  readonly tasks: readonly Pick<Task, "taskArn">[];
  readonly failures: readonly Failure[];
}

/** By then ListTasks shows what StartTask has started; ECS documents eventual consistency and no bound. */
const VISIBLE_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 2_000;

/**
 * Starts one task on each container instance that has none of this order. What an interrupted call may have started is looked
 * for first, until a minute after it.
 */
export async function startOnInstances(
  deps: EcsDeps,
  order: TaskOrder,
  alreadyStarted: readonly string[],
): Promise<StartAnswer> {
  const { cluster, intendedAt } = order;
  const found = intendedAt === undefined ? [] : await lookFor(deps, order, intendedAt);
  const { tasks: known, missing } = await describeTasks(deps, { cluster, taskArns: alreadyStarted });
  // Nobody knows which instances those are on, and an instance must not get a second task.
  if (missing.length > 0) return { tasks: found, failures: missing.map(toNotShown) };
  const free = findFree(order.instances ?? [], uniqueTasks([...known, ...found]));
  if (free.length === 0) return { tasks: found, failures: [] };
  const askedAt = deps.clock.now();
  const answer = await sendStartTask(deps, toStartTaskInput(order, free));
  if (answer.kind === "answered") {
    const { tasks = [], failures = [] } = answer.output;
    return { tasks: [...found, ...tasks], failures };
  }
  const started = await lookFor(deps, order, askedAt);
  const left = findFree(order.instances ?? [], uniqueTasks([...known, ...started]));
  if (started.length === 0) throw answer.error;
  return {
    tasks: started,
    failures: left.map((arn) => ({ arn, reason: "AGENT", detail: "StartTask's answer was lost" })),
  };
}

function toNotShown(arn: string): Failure {
  return { arn, reason: "AGENT", detail: "ECS does not show the task of an earlier try yet" };
}

/** Looks until every instance has its task, or long enough that what has not shown up was not started. */
async function lookFor(deps: EcsDeps, order: TaskOrder, askedAt: number): Promise<readonly Task[]> {
  const { clock, signal } = deps;
  const until = askedAt + VISIBLE_WITHIN_MS;
  for (;;) {
    const isLast = clock.now() >= until;
    const tasks = await findUnlessBusy(deps, order, isLast);
    const isAll = tasks !== undefined && findFree(order.instances ?? [], tasks).length === 0;
    if (tasks !== undefined && (isAll || isLast)) return tasks;
    signal.throwIfAborted();
    await clock.sleep(Math.min(LOOK_EVERY_MS, until - clock.now()), signal);
  }
}

/** Undefined where ECS cannot tell now: not to know is no reason to give up tasks that may run. */
async function findUnlessBusy(deps: EcsDeps, order: TaskOrder, isLast: boolean): Promise<readonly Task[] | undefined> {
  try {
    return await findStartedTasks(deps, order);
  } catch (error) {
    if (isLast || findAwsFault(error).kind !== "retryable") throw error;
    return undefined;
  }
}

/** The instances without a task; one that stands in the list twice is to have two. */
function findFree(instances: readonly string[], tasks: readonly Task[]): readonly string[] {
  const taken = tasks.map(({ containerInstanceArn }) => toInstanceId(containerInstanceArn ?? ""));
  return instances.filter((instance) => {
    const at = taken.indexOf(toInstanceId(instance));
    if (at === -1) return true;
    taken.splice(at, 1);
    return false;
  });
}

function toInstanceId(instance: string): string {
  return instance.slice(instance.lastIndexOf("/") + 1);
}

function uniqueTasks(tasks: readonly Task[]): readonly Task[] {
  return [...new Map(tasks.map((task) => [task.taskArn, task])).values()];
}
