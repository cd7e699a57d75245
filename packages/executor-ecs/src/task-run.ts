import { type Absence, decideAbsence, NEW_ROLE_MS } from "@stackyard/aws";
import type { StartResult } from "./start-tasks.ts";
import { type DescribedTasks, toStatesText } from "./task-order.ts";

/** Why a run ends although its tasks did not end by themselves. */
export interface RunFailure {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

/** The end of a run as soon as its tasks are stopped. */
export interface RunEnding extends RunFailure {
  /** The end of the tasks is waited for until then. */
  readonly until: number;
  /** Tasks that a try without an answer may have started are looked for until then. */
  readonly searchUntil?: number;
}

/**
 * The tasks of one order, from the first try to start them to the end of the last one. The executor and the custom resource
 * store it, and follow the same rules. Instants are epoch milliseconds.
 */
export interface TaskRun {
  readonly taskArns: readonly string[];
  /** Tries to start tasks, including the current one. Each has its own client token. */
  readonly attempt: number;
  /** The current try has no response yet: it may have started tasks with unrecorded ARNs. */
  readonly intendedAt?: number | undefined;
  /** The last try came to its end. */
  readonly triedAt?: number | undefined;
  /** All tasks had been started. */
  readonly startedAt?: number | undefined;
  /** The looks in a row that did not show all tasks. */
  readonly absence?: Absence | undefined;
  readonly ending?: RunEnding | undefined;
}

/** ListTasks shows what an interrupted call has started some seconds later. */
const SEARCH_MS = 30_000;
/** ECS sends SIGTERM, and SIGKILL 30 s later unless the container's `stopTimeout` says otherwise (at most 120 s). */
export const STOP_WITHIN_MS = 45_000;
/** Between two checks of tasks that stop. */
export const LOOK_EVERY_MS = 5_000;
/** ECS lists new tasks after some seconds. */
export const FIRST_LOOK_MS = 2_000;

/** Returns true if a task of the run may be running, even one that ECS has not returned. */
export function mayRun({ taskArns, intendedAt }: TaskRun): boolean {
  return taskArns.length > 0 || intendedAt !== undefined;
}

/** The time for which a run keeps trying to start its tasks. */
export interface TryLimits {
  readonly now: number;
  /** When no further try begins. */
  readonly until: number;
  readonly everyMs: number;
}

/** The instants that limit a run's tries. */
export interface PlacementTimes {
  readonly now: number;
  /** The first try. */
  readonly since: number;
  /** Seconds or minutes that the user gives to a cluster without capacity. */
  readonly placementMs: number;
  readonly deadline: number;
  readonly everyMs: number;
}

/** Returns how long a refused try is repeated. A role that IAM does not know everywhere yet has two minutes in any case. */
export function toTryLimits(result: StartResult, times: PlacementTimes): TryLimits {
  const { now, since, placementMs, deadline, everyMs } = times;
  const isNewRole = result.kind === "retry" && result.passes === "new-role";
  return { now, until: Math.min(since + (isNewRole ? NEW_ROLE_MS : placementMs), deadline), everyMs };
}

/** The decision after a try: all tasks run, another try after a delay, or the end. */
export type AfterTry =
  | { readonly kind: "started"; readonly run: TaskRun }
  | { readonly kind: "again"; readonly run: TaskRun; readonly afterMs: number; readonly why: string }
  | { readonly kind: "given-up"; readonly run: TaskRun; readonly failure: RunFailure };

/**
 * Decides what follows one try to start tasks. Without an answer, only the same request with the same token shows what ECS
 * did, so the same try is repeated.
 */
export function decideAfterTry(run: TaskRun, result: StartResult, { now, until, everyMs }: TryLimits): AfterTry {
  const tried: TaskRun = { taskArns: result.taskArns, attempt: run.attempt, intendedAt: undefined, triedAt: now };
  if (result.kind === "started") return { kind: "started", run: { ...tried, startedAt: now } };
  const isPassing = result.kind === "retry" || result.retryable;
  // A refused call may have succeeded in an earlier try of the SDK, and an earlier call of this try without an answer too.
  const isOpen = result.kind === "retry" ? result.isSameTry : result.retryable || run.intendedAt !== undefined;
  const next = isOpen ? { ...tried, intendedAt: run.intendedAt ?? now } : tried;
  const { code, message } = result;
  if (!isPassing || now >= until)
    return { kind: "given-up", run: next, failure: toGivenUp(result, { code, message, retryable: isPassing }) };
  const attempt = isOpen ? run.attempt : run.attempt + 1;
  return { kind: "again", run: { ...next, attempt }, afterMs: Math.min(everyMs, until - now), why: message };
}

/** A role that is still refused lacks a right: another attempt would not help. */
function toGivenUp(result: StartResult, failure: RunFailure): RunFailure {
  if (result.kind !== "retry" || result.passes !== "new-role") return failure;
  const advice = "The role may lack a right, or its trust policy does not name the service.";
  const message = failure.message.includes("may lack") ? failure.message : `${failure.message} ${advice}`;
  return { ...failure, message, retryable: false };
}

/**
 * The result of a look at the tasks of a run. `unknown`: nothing that ECS shows runs, and what became of the others cannot
 * be known from it. `late`: their time is over.
 */
export interface AfterLook {
  readonly kind: "over" | "unknown" | "late" | "running";
  /** Stored for the next look. */
  readonly absence: Absence | undefined;
}

/** Decides what follows a look at the tasks of a run. Tasks that still run are watched to their end. */
export function decideAfterLook(
  { startedAt, absence: before }: TaskRun,
  { tasks, missing }: DescribedTasks,
  { now, isLate }: { readonly now: number; readonly isLate: boolean },
): AfterLook {
  const absent = missing.length === 0 ? undefined : decideAbsence(before, now);
  const absence = absent?.absence;
  if (startedAt !== undefined && tasks.every(isStopped)) {
    if (absent === undefined) return { kind: "over", absence };
    if (absent.kind === "unknown") return { kind: "unknown", absence };
  }
  return { kind: isLate ? "late" : "running", absence };
}

/** Returns the failure of a run with tasks of unknown state: another attempt might do their work a second time. */
export function toLost({ tasks, missing }: DescribedTasks): RunFailure {
  const others = tasks.length === 0 ? "" : ` The others are ${toStatesText(tasks)}.`;
  const unknown = `ECS does not show ${missing.join(", ")}, so it is unknown whether the work was done.${others}`;
  const message = `${unknown} ECS forgets stopped tasks after an hour. Look at their logs before another attempt.`;
  return { code: "ECS_TASK_LOST", message, retryable: false };
}

/** Returns the failure of a run whose tasks work, and whose state AWS no longer shows: their result is unknown. */
export function toUnwatched({ message }: RunFailure, { taskArns }: Pick<TaskRun, "taskArns">): RunFailure {
  const unknown = "It is unknown whether the work is done";
  const text = `${message} ${unknown}. These tasks may still run: ${taskArns.join(", ")}.`;
  return { code: "ECS_TASK_LOST", message: text, retryable: false };
}

/**
 * Returns the changes in a run that will fail with this failure once its tasks are stopped, after waiting `waitMs` for
 * their end. Stops nothing yet: the decision is stored first, so that after a crash in between the stop is not
 * attributed to others.
 */
export function toEnding(
  { intendedAt, triedAt }: TaskRun,
  { code, message, retryable }: RunFailure,
  { now, waitMs = STOP_WITHIN_MS }: { readonly now: number; readonly waitMs?: number },
): Pick<TaskRun, "triedAt" | "ending"> {
  const ending = { code, message, retryable, until: now + waitMs };
  if (intendedAt === undefined) return { triedAt, ending };
  return { triedAt: now, ending: { ...ending, searchUntil: now + SEARCH_MS } };
}

/** The tasks that are not known to have stopped. */
export interface LeftTasks {
  /** They have not stopped yet. */
  readonly alive: number;
  /** Tasks that the last looks did not show; they are looked for again. */
  readonly unseen: number;
}

/**
 * Returns the run after ECS has accepted the stop of some tasks: their end is waited for from then on, because earlier
 * calls may have failed for most of the wait.
 */
export function afterAcceptedStop(run: TaskRun, accepted: number, now: number): TaskRun {
  const { ending } = run;
  if (ending === undefined || accepted === 0) return run;
  return { ...run, ending: { ...ending, until: Math.max(ending.until, now + STOP_WITHIN_MS) } };
}

/** Returns when to check again the tasks that are stopping; undefined: the run has ended. */
export function decideAfterStop(run: TaskRun, { alive, unseen }: LeftTasks, now: number): number | undefined {
  const { until = 0, searchUntil = 0 } = run.ending ?? {};
  const waits = [
    now < searchUntil ? searchUntil - now : 0,
    alive > 0 && now < until ? until - now : 0,
    unseen > 0 ? LOOK_EVERY_MS : 0,
  ];
  const longest = Math.max(...waits);
  return longest === 0 ? undefined : Math.min(LOOK_EVERY_MS, longest);
}

/** Returns true for a task that has ended. */
export function isStopped({ lastStatus }: { readonly lastStatus?: string | undefined }): boolean {
  return lastStatus === "STOPPED";
}
