import { failed, running } from "@stackyard/core";
import type { EcsProgress } from "./definition.ts";
import { type DescribedTasks, describeTasks } from "./describe-tasks.ts";
import type { EcsCall, EcsStep } from "./ecs-call.ts";
import { beginEnd } from "./end-tasks.ts";
import { finishTasks } from "./finish-tasks.ts";
import { isYoung } from "./is-young.ts";
import { placeTasks } from "./place-tasks.ts";
import { prepareOrder } from "./prepare-order.ts";
import { reportLogs } from "./report-logs.ts";
import { toStatesText } from "./to-states-text.ts";

const POLL_EVERY_MS = 10_000;

/** Looks at the tasks: places what is missing, ends what is late or lost, judges what has stopped. */
export async function pollTasks(call: EcsCall, progress: EcsProgress): Promise<EcsStep> {
  const { ctx, deps, settings } = call;
  const { cluster } = settings.order;
  const { doneAt } = progress.placement;
  const now = ctx.clock.now();
  if (doneAt === undefined && now < progress.deadline) return placeAgain(call, progress);
  const seen = await describeTasks(deps, { cluster, taskArns: progress.taskArns });
  const isOver = seen.missing.length === 0 && seen.tasks.every(({ lastStatus }) => lastStatus === "STOPPED");
  if (doneAt !== undefined && isOver) return finishTasks(call, progress, seen.tasks);
  if (seen.missing.length > 0 && doneAt !== undefined && !isYoung(progress, now)) return endLost(call, progress, seen);
  if (now >= progress.deadline) return endLate(call, progress, seen);
  return goOn(call, progress, seen);
}

async function placeAgain(call: EcsCall, progress: EcsProgress): Promise<EcsStep> {
  const prepared = await prepareOrder(call, progress.taskDefinition);
  if (prepared.kind === "prepared") return placeTasks(call, prepared, progress);
  const { code, message, retryable } = prepared;
  if (retryable) return running({ progress, pollAfterMs: POLL_EVERY_MS, message: `Asks again: ${message}` });
  return mayRun(progress) ? beginEnd(call, progress, { code, message, retryable }) : prepared;
}

/** True when a task of the attempt may run, also one that ECS has not told of. */
function mayRun({ taskArns, placement }: EcsProgress): boolean {
  return taskArns.length > 0 || placement.unanswered === true;
}

async function goOn(call: EcsCall, progress: EcsProgress, { tasks, missing }: DescribedTasks): Promise<EcsStep> {
  const definition = await call.definitions.find(call.deps, progress.taskDefinition);
  const reported = await reportLogs(call, progress, { tasks, definition });
  const states = toStatesText(tasks, missing.length);
  const { lastLine } = reported;
  return running({
    progress: { ...progress, ...reported },
    pollAfterMs: Math.max(0, Math.min(POLL_EVERY_MS, progress.deadline - call.ctx.clock.now())),
    message: lastLine === undefined ? states : `${states}: ${lastLine}`,
  });
}

function endLost(call: EcsCall, progress: EcsProgress, { missing }: DescribedTasks): EcsStep {
  const message = `ECS does not know ${missing.join(", ")}; it forgets stopped tasks after an hour.`;
  return beginEnd(call, progress, { code: "ECS_TASK_LOST", message, retryable: true });
}

function endLate(call: EcsCall, progress: EcsProgress, { tasks, missing }: DescribedTasks): EcsStep {
  const seconds = Math.round((progress.deadline - progress.startedAt) / 1_000);
  const { doneAt, why = "no task found a place." } = progress.placement;
  const states = `${toStatesText(tasks, missing.length)}.`;
  const message = `Not done after ${seconds} s: ${doneAt === undefined ? why : states}`;
  const end = { code: "ECS_TIMEOUT", message, retryable: false };
  if (!mayRun(progress)) return failed(end);
  if (call.settings.stopOnTimeout) return beginEnd(call, progress, end);
  return failed({ ...end, message: `${message} The tasks were not stopped.` });
}
