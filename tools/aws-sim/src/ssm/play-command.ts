import { detailsOf, isOver, type SimCommand, type SimInvocation } from "./sim-command.ts";
import type { Course } from "./to-course.ts";

/** Decides how an invocation goes whose turn comes at an instant. */
export type BeginInvocation = (invocation: SimInvocation, startAt: number) => Course;

/** Until an agent that is asked to stop has stopped what runs. */
const CANCEL_MS = 1_000;

/**
 * Plays a command up to an instant: as many invocations at a time as its rate control allows, and none any more when more
 * failed than its error limit. Sources: user guide, "Send commands at scale": "Using concurrency controls" and "Using error
 * controls"; what runs goes on, and failures and execution time-outs count ("GetCommandInvocation", StatusDetails).
 */
export function playCommand(command: SimCommand, now: number, begin: BeginInvocation): void {
  const atOnce = toCount(command.maxConcurrency, command.invocations.length, 1);
  let at = command.playedUntil;
  for (;;) {
    const running = command.invocations.filter((each) => each.course !== undefined && !isOver(detailsOf(each, at)));
    startNext(command, { at, free: atOnce - running.length, begin });
    const next = nextEnd(command, at);
    if (next === undefined || next > now) break;
    at = next;
  }
  command.playedUntil = Math.max(command.playedUntil, now);
}

function startNext(
  command: SimCommand,
  { at, free, begin }: { readonly at: number; readonly free: number; readonly begin: BeginInvocation },
): void {
  if (command.refusal !== undefined || command.cancelledAt !== undefined) return;
  const waiting = command.invocations.filter((each) => each.startedAt === undefined && each.dropped === undefined);
  const allowed = toCount(command.maxErrors, command.invocations.length, 0);
  if (countErrors(command, at) > allowed) {
    for (const each of waiting) each.dropped = { at, end: "Terminated" };
    return;
  }
  for (const each of waiting.slice(0, Math.max(0, free))) {
    each.startedAt = at;
    each.course = begin(each, at);
  }
}

function nextEnd({ invocations }: SimCommand, at: number): number | undefined {
  const ends = invocations.flatMap(({ course }) =>
    course === undefined || course.endsAt <= at ? [] : [course.endsAt],
  );
  return ends.length === 0 ? undefined : ends.reduce((left, right) => Math.min(left, right));
}

/** Invocations that count against the error limit. */
export function countErrors({ invocations }: SimCommand, now: number): number {
  return invocations.filter((each) => ["Failed", "ExecutionTimedOut"].includes(detailsOf(each, now))).length;
}

/** A number, or a share of the targets; how a share is rounded is not documented: down here. */
export function toCount(text: string, targets: number, least: number): number {
  const count = text.endsWith("%") ? Math.floor((targets * Number.parseInt(text, 10)) / 100) : Number(text);
  return Math.max(least, count);
}

/** Drops what waits and asks the agents to stop what runs; who ends before that has ended as ever. */
export function cancelInvocations(command: SimCommand, ids: ReadonlySet<string> | undefined, now: number): void {
  for (const each of command.invocations) {
    if (ids !== undefined && !ids.has(each.instanceId)) continue;
    if (isOver(detailsOf(each, now))) continue;
    if (each.course === undefined) each.dropped = { at: now, end: "Cancelled" };
    else if (each.cancelRequestedAt === undefined) cancelRunning(each, each.course, now);
  }
  if (ids === undefined) command.cancelledAt = now;
}

function cancelRunning(invocation: SimInvocation, course: Course, now: number): void {
  const isDelivered = course.deliveredAt !== undefined && course.deliveredAt <= now;
  const endsAt = isDelivered ? now + CANCEL_MS : now;
  if (course.endsAt <= endsAt) return;
  invocation.cancelRequestedAt = now;
  invocation.course = { ...course, endsAt, end: "Cancelled", exitCode: -1, stdout: "", stderr: "" };
}
