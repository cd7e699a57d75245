import { isStuck } from "./decide/task-states.ts";
import { isOverdue } from "./decide/timers.ts";
import { defined } from "./json.ts";
import { JOB_MACHINE } from "./machine.ts";
import type { LastFailure, Stack, Stalled } from "./stack.ts";

/**
 * The main conditions of stacks, worst first. Each stack has one: the first that is true of it, so that counts add up to
 * the total. `failed`: a task is in ERROR, or the job has failed. `degraded`: the stack has moved on after a failure that
 * no success has resolved. `stalled`, `overdue`: as recorded in the stack. `approval`: an approval is open. `busy`: a task
 * is PENDING. `waiting`: an event is parked. `cancelled`: the job was cancelled. `asleep`: at rest in a state named as
 * such. `healthy`: at rest in another state.
 */
export const MAIN_CONDITIONS = [
  "failed",
  "degraded",
  "overdue",
  "stalled",
  "approval",
  "busy",
  "waiting",
  "cancelled",
  "healthy",
  "asleep",
] as const;

/** One of `MAIN_CONDITIONS`. */
export type MainCondition = (typeof MAIN_CONDITIONS)[number];

/** The health of a stack. Every reading of its condition comes from here. */
export interface StackHealth {
  /** The first of `MAIN_CONDITIONS` that is true. */
  readonly main: MainCondition;
  readonly failed: boolean;
  readonly degraded: boolean;
  readonly overdue: boolean;
  readonly stalled: boolean;
  readonly approval: boolean;
  /** A task is pending, or the stack waits for runs of earlier states. */
  readonly busy: boolean;
  /** True of a job that someone has cancelled. It has not failed. */
  readonly cancelled: boolean;
  /** Nothing happens by itself but by a timer: all tasks have ended, or none of them can proceed. */
  readonly isAtRest: boolean;
  /** The stack is degraded, and a person has acknowledged the failure. */
  readonly isAcknowledged: boolean;
  /** A person has to act: see `evaluateHealth`. */
  readonly needsPerson: boolean;
}

/** States whose stacks sleep while they rest: what they cost has been taken down until an event wakes them. */
export const ASLEEP_STATES: readonly string[] = ["ASLEEP", "SLEEPING", "Asleep", "Sleeping", "asleep", "sleeping"];

/** The machine of jobs, and the state of a job that did not succeed: its task is left behind in the state before. */
export const ENDED_JOB = { machine: JOB_MACHINE, state: "FAILED" } as const;

/** The code of a stack whose revision is not stored or no longer compiles, while no other one may replace it. */
export const REVISION_LOST = "REVISION_LOST";

const CANCELLED = "TASK_CANCELLED";

/** Returns true for a job: the run of one task, and no environment. */
export function isJob({ machine }: Pick<Stack, "machine">): boolean {
  return machine === JOB_MACHINE;
}

/** Returns why a stack cannot continue by itself: what it has stalled at, or that its revision is lost. */
export function findStall({ stalled, heldBack }: Pick<Stack, "stalled" | "heldBack">): Stalled | undefined {
  if (heldBack?.code === REVISION_LOST) return { code: heldBack.code, reason: heldBack.reason };
  return stalled;
}

/**
 * Evaluates how a stack is. `parked`: the number of its parked events. A person has to act on what has failed, is degraded,
 * overdue or stalled, on a revision that is lost, on approvals, and on a task that nothing leads on to; not on a degraded stack whose failure was acknowledged, and never on a job, whose
 * result belongs to its caller. Pure.
 */
export function evaluateHealth(stack: Stack, parked = 0): StackHealth {
  const { failed: hasStopped } = stack;
  const stalled = findStall(stack);
  const failed = stack.tasks.some(({ status }) => status === "ERROR");
  const busy = stack.awaitsRuns === true || stack.tasks.some(({ status }) => status === "PENDING");
  const degraded = !failed && isLeftBehind(stack, busy);
  const overdue = isOverdue(stack);
  const approval = stack.approvals !== undefined;
  const isAcknowledged = degraded && stack.lastFailure?.acknowledged !== undefined;
  const isTroubled =
    failed || (degraded && !isAcknowledged) || overdue || stalled !== undefined || approval || isStuck(stack);
  const facts = {
    failed,
    degraded,
    overdue,
    stalled: stalled !== undefined,
    approval,
    busy,
    cancelled: isEndedJob(stack) && stack.lastFailure?.code === CANCELLED,
    isAtRest: hasStopped === true || stalled !== undefined || !busy,
    isAcknowledged,
    needsPerson: isTroubled && !isJob(stack),
  };
  return { main: findMain(stack, facts, parked), ...facts };
}

type Facts = Omit<StackHealth, "main">;

/** The conditions that are facts of their own, in the order of `MAIN_CONDITIONS`. */
export const MAIN_FACTS = ["failed", "degraded", "overdue", "stalled", "approval", "busy"] as const;

function findMain(stack: Stack, facts: Facts, parked: number): MainCondition {
  if (isEndedJob(stack)) return facts.cancelled ? "cancelled" : "failed";
  const first = MAIN_FACTS.find((name) => facts[name]);
  if (first !== undefined) return first;
  if (parked > 0) return "waiting";
  return ASLEEP_STATES.includes(stack.state) ? "asleep" : "healthy";
}

function isEndedJob({ machine, state }: Stack): boolean {
  return machine === ENDED_JOB.machine && state === ENDED_JOB.state;
}

/**
 * Returns true when a failure that no success has resolved is left behind. While work is under way that repeats it, or
 * that a person has begun since, it is not known whether it is.
 */
function isLeftBehind({ machine, lastFailure, entry }: Stack, busy: boolean): boolean {
  if (isJob({ machine }) || lastFailure === undefined || lastFailure.resolvedAt !== undefined) return false;
  const isRetried = lastFailure.entry === entry || lastFailure.answeredAt !== undefined;
  return !(busy && isRetried);
}

/** A failure for good that no success has resolved. */
export interface OpenFailure extends Pick<LastFailure, "task" | "state" | "code" | "message"> {
  /** Missing: only that of the newest failure is known. */
  readonly at?: number;
}

/** Lists the failed tasks of the present state; of a degraded stack, the failure that it has left behind. */
export function listOpenFailures(stack: Stack): readonly OpenFailure[] {
  const { tasks, lastFailure, state } = stack;
  if (lastFailure !== undefined && evaluateHealth(stack).degraded) return [lastFailure];
  return tasks.flatMap(({ name: task, status, errorCode: code, errorMessage: message }) => {
    if (status !== "ERROR") return [];
    const at = lastFailure?.task === task ? lastFailure.at : undefined;
    return [{ task, state, ...defined({ code, message, at }) }];
  });
}
