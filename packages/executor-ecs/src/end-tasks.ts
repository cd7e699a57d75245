import type { Task } from "@aws-sdk/client-ecs";
import { type Failed, failed, running } from "@stackyard/core";
import type { EcsConfig, EcsProgress } from "./definition.ts";
import { describeTasks } from "./describe-tasks.ts";
import { type EcsCall, type EcsStep, toStartedBy } from "./ecs-call.ts";
import { finishTasks } from "./finish-tasks.ts";
import { isYoung } from "./is-young.ts";
import { listTasks } from "./list-tasks.ts";
import { stopTasks } from "./stop-tasks.ts";
import { toStatesText } from "./to-states-text.ts";

/** ECS sends SIGTERM, and SIGKILL 30 s later unless the container's `stopTimeout` says otherwise (at most 120 s). */
const STOP_WITHIN_MS = 45_000;
/** A cancel may take five minutes, and its last word must be in time. */
const CANCEL_WITHIN_MS = 4 * 60_000;
/** What a call that was interrupted has started is listed by then. */
const SEARCH_MS = 30_000;
const LOOK_EVERY_MS = 5_000;

/**
 * Decides that the tasks are to be stopped and how the attempt ends then. Nothing is stopped yet: the decision is kept first,
 * so that a crash between the two does not read the stop as somebody else's.
 */
export function beginEnd({ ctx }: EcsCall, progress: EcsProgress, end: Omit<Failed, "kind" | "outputs">): EcsStep {
  const now = ctx.clock.now();
  // What was asked of ECS without an answer may have been done.
  const searches = progress.placement.unanswered === true;
  const placement = searches ? { ...progress.placement, triedAt: now } : progress.placement;
  const search = searches ? { searchUntil: now + SEARCH_MS } : {};
  const ending = { ...end, until: now + STOP_WITHIN_MS, stopSent: false, ...search };
  return running({
    progress: { ...progress, placement, ending },
    pollAfterMs: 0,
    message: `Stops its tasks: ${end.message}`,
  });
}

/**
 * The progress of an attempt that is to be cancelled: whatever it has started is stopped by the next `pollEnd`, also what only
 * an interrupted call knows of. An end that was begun stays as it is.
 */
export function toCancelled(
  { clock, idempotencyKey }: EcsCall["ctx"],
  { taskDefinition }: EcsConfig,
  progress: EcsProgress | undefined,
): EcsProgress {
  const now = clock.now();
  const known: EcsProgress = progress ?? {
    taskArns: [],
    startedAt: now,
    deadline: now,
    clientToken: idempotencyKey,
    taskDefinition,
    placement: { tries: 1, until: now },
  };
  const ending = known.ending ?? {
    code: "ECS_CANCELLED",
    message: "The attempt was cancelled.",
    retryable: false,
    until: now + CANCEL_WITHIN_MS,
    ...(known.placement.doneAt === undefined ? { searchUntil: now + SEARCH_MS } : {}),
  };
  // The try that the cancel has interrupted may have started tasks just now.
  const isNew = known.ending === undefined && known.placement.doneAt === undefined;
  const placement = isNew ? { ...known.placement, triedAt: now } : known.placement;
  return { ...known, placement, ending: { ...ending, stopSent: false } };
}

/** Stops the tasks, then waits until they are STOPPED or the time for it is over. */
export async function pollEnd(call: EcsCall, progress: EcsProgress): Promise<EcsStep> {
  const { deps, settings } = call;
  const { ending } = progress;
  if (ending === undefined) throw new Error("An end was polled that was not begun.");
  const { cluster } = settings.order;
  const now = deps.clock.now();
  const taskArns = await findTaskArns(call, progress);
  const stopSent = await sendStops(call, progress, taskArns);
  const next = { ...progress, taskArns, ending: { ...ending, stopSent } };
  const { tasks, missing } = await describeTasks(deps, { cluster, taskArns });
  const alive = tasks.filter(({ lastStatus }) => lastStatus !== "STOPPED").length;
  // A task that ECS does not know yet was not told to stop, and would run on.
  const isUntold = missing.length > 0 && isYoung(progress, now);
  const searches = ending.searchUntil !== undefined && now < ending.searchUntil;
  if ((alive > 0 && now < ending.until) || isUntold || searches) {
    const message = `Stops: ${toStatesText(tasks, missing.length)}.`;
    return running({ progress: next, pollAfterMs: LOOK_EVERY_MS, message });
  }
  return toEnd(call, next, tasks);
}

/** True when no stop need be sent again. ECS may not know a task yet that it has just started, and would not stop it. */
async function sendStops(call: EcsCall, progress: EcsProgress, taskArns: readonly string[]): Promise<boolean> {
  const { deps, settings } = call;
  const { ending } = progress;
  const isMore = taskArns.length > progress.taskArns.length;
  if (ending === undefined || (ending.stopSent && !isMore)) return true;
  const reason = toReason(call, ending.message);
  const { gone } = await stopTasks(deps, { cluster: settings.order.cluster, taskArns, reason });
  return gone.length === 0 || !isYoung(progress, deps.clock.now());
}

async function toEnd(call: EcsCall, progress: EcsProgress, tasks: readonly Task[]): Promise<EcsStep> {
  const { ending } = progress;
  if (ending === undefined || progress.taskArns.length === 0) {
    const { code = "ECS_CANCELLED", message = "", retryable = false } = ending ?? {};
    return failed({ code, message: `${message} No task was started.`, retryable });
  }
  const { code, message, retryable } = ending;
  const finished = await finishTasks(call, progress, tasks);
  // Work that was done before the stop arrived is done, where all of it was begun.
  const isWhole = progress.placement.doneAt !== undefined && tasks.length === progress.taskArns.length;
  if (code === "ECS_CANCELLED" && isWhole && finished.kind === "succeeded") return finished;
  const states = `The tasks are ${toStatesText(tasks)}.`;
  const { outputs } = finished;
  return failed({
    code,
    message: `${message} ${states}`,
    retryable,
    ...(outputs === undefined ? {} : { outputs }),
  });
}

async function findTaskArns({ ctx, deps, settings }: EcsCall, progress: EcsProgress): Promise<string[]> {
  const { searchUntil } = progress.ending ?? {};
  if (searchUntil === undefined) return progress.taskArns;
  const { cluster } = settings.order;
  const listed = await listTasks(deps, { cluster, startedBy: toStartedBy(ctx) });
  return [...new Set([...progress.taskArns, ...listed])];
}

function toReason({ ctx }: EcsCall, message: string): string {
  return `Stackyard: task ${ctx.task} of stack ${ctx.stackId}. ${message}`;
}
