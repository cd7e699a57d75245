import { describeTasks } from "../describe-tasks.ts";
import { stopTasks } from "../stop-tasks.ts";
import { toStopReason } from "./stop-reason.ts";
import type { TaskWork } from "./task-work.ts";
import type { TurnContext } from "./turn.ts";

/** What is left of tasks that were told to stop. */
export interface LeftTasks {
  /** They have not stopped yet. */
  readonly alive: number;
  /** ECS does not know them yet, and could not stop them. */
  readonly unseen: number;
}

/** DescribeTasks is eventually consistent: so long after its start a task may be MISSING and run all the same. */
export const UNKNOWN_FOR_MS = 60_000;

/** No task that the work has started is younger. */
export function toBirth({ startedAt, triedAt, intendedAt, placingSince }: TaskWork): number {
  return startedAt ?? Math.max(triedAt ?? 0, intendedAt ?? 0, placingSince ?? 0);
}

/** Tells tasks to stop that were not told yet. May be called again until nothing is left. */
export async function stopKnown(
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
