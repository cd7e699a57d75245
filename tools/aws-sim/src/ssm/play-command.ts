import { defined } from "@stackyard/core";
import {
  type CommandStep,
  type Course,
  detailsOf,
  type InvocationDetails,
  isOver,
  type SimCommand,
  type SimInvocation,
  toStatus,
} from "./sim-command.ts";

/** Decides how an invocation goes whose turn comes at an instant. */
type BeginInvocation = (invocation: SimInvocation, startAt: number) => Course;

/** The time until an agent has stopped a command on request. */
const CANCEL_MS = 1_000;

/**
 * Plays a command up to a given time: as many invocations at a time as its rate control allows, and no more when the failures
 * exceed its error limit. Sources: user guide, "Send commands at scale": "Using concurrency controls" and "Using error
 * controls"; running commands continue, and failures and execution timeouts count ("GetCommandInvocation", StatusDetails).
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
function countErrors({ invocations }: SimCommand, now: number): number {
  return invocations.filter((each) => ["Failed", "ExecutionTimedOut"].includes(detailsOf(each, now))).length;
}

/** Returns a number, or a share of the targets; its rounding is not documented: down here. */
function toCount(text: string, targets: number, least: number): number {
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

/** How a command stands. */
interface CommandStanding {
  readonly details: string;
  readonly completed: number;
  readonly errors: number;
  readonly deliveryTimedOut: number;
}

/**
 * Returns its detailed state and counts at an instant up to which it has been played. Source: API reference, "Command":
 * StatusDetails, CompletedCount, ErrorCount, DeliveryTimedOutCount. `Undeliverable` has no part in it.
 */
export function commandStanding(command: SimCommand, now: number): CommandStanding {
  const all = command.invocations.map((each) => detailsOf(each, now));
  const count = (...wanted: readonly InvocationDetails[]) => all.filter((each) => wanted.includes(each)).length;
  return {
    details: command.refusal ?? detailsOfAll(command, all, now),
    completed: all.filter(isOver).length,
    errors: count("Failed", "ExecutionTimedOut"),
    deliveryTimedOut: count("DeliveryTimedOut"),
  };
}

function detailsOfAll(command: SimCommand, all: readonly InvocationDetails[], now: number): string {
  if (!all.every(isOver)) {
    if (command.cancelledAt !== undefined) return "Cancelling";
    return all.every((each) => each === "Pending" || each === "Delayed") ? "Pending" : "InProgress";
  }
  if (command.cancelledAt !== undefined) return "Cancelled";
  const allowed = toCount(command.maxErrors, all.length, 0);
  if (countErrors(command, now) > allowed) return all.includes("Failed") ? "Failed" : "ExecutionTimedOut";
  const late = all.filter((each) => each === "DeliveryTimedOut").length;
  if (late > allowed) return "DeliveryTimedOut";
  return all.every((each) => each === "Success" || each === "Undeliverable") ? "Success" : "Incomplete";
}

/** User guide, "Run Command": what ListCommandInvocations shows of a plugin's output. */
const MAX_PLUGIN = 2_500;
/** As the agent writes them (aws/amazon-ssm-agent, TruncateOutput). */
const CUT_OUT = "\n---Output truncated---";
const CUT_ERROR = "\n---Error truncated----";
const ERROR_HEAD = "\n----------ERROR-------\n";

/** Joins both streams in one text of at most 2,500 characters, errors after a head line; a cut is marked. */
export function toPluginOutput(stdout: string, stderr: string): string {
  const both = stderr === "" ? stdout : `${stdout}${ERROR_HEAD}${stderr}`;
  if (both.length <= MAX_PLUGIN) return both;
  if (stderr === "") return cut(stdout, MAX_PLUGIN, CUT_OUT);
  const room = MAX_PLUGIN - ERROR_HEAD.length;
  const forErrors = Math.min(stderr.length, Math.max(room - stdout.length, Math.floor(room / 2)));
  const out = cut(stdout, room - forErrors, CUT_OUT);
  return `${out}${ERROR_HEAD}${cut(stderr, forErrors, CUT_ERROR)}`;
}

/** Returns the first `max` characters. */
function cutText(text: string, max: number): string {
  return text.slice(0, max);
}

function cut(text: string, max: number, mark: string): string {
  return text.length <= max ? text : `${text.slice(0, Math.max(0, max - mark.length))}${mark}`;
}

/** "GetCommandInvocation": the first 24,000 characters of stdout, 8,000 of stderr. */
const MAX_STDOUT = 24_000;
const MAX_STDERR = 8_000;

/** One step on one instance. */
interface StepResult {
  readonly step: CommandStep;
  readonly details: string;
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
}

/** Returns the steps in order; those for other platforms are skipped, which is success (user guide, "precondition"). */
export function toStepResults({ steps }: SimCommand, invocation: SimInvocation, now: number): readonly StepResult[] {
  return steps.map((step) =>
    step.platforms.includes(invocation.platformType)
      ? toRun(step, invocation, now)
      : { ...toRun(step, invocation, now), ...toSkip(invocation, now) },
  );
}

function toRun(step: CommandStep, invocation: SimInvocation, now: number): StepResult {
  const details = detailsOf(invocation, now);
  const { deliveredAt, endsAt, exitCode, stdout, stderr } = invocation.course ?? {};
  const hasEnded = isOver(details) && deliveredAt !== undefined;
  return {
    step,
    details,
    exitCode: hasEnded ? (exitCode ?? -1) : -1,
    stdout: hasEnded ? (stdout ?? "") : "",
    stderr: hasEnded ? (stderr ?? "") : "",
    startedAt: deliveredAt !== undefined && deliveredAt <= now ? deliveredAt : undefined,
    endedAt: hasEnded ? endsAt : undefined,
  };
}

function toSkip(invocation: SimInvocation, now: number): Partial<StepResult> {
  if (!isOver(detailsOf(invocation, now)) || invocation.course?.deliveredAt === undefined) return {};
  const stdout = "Step execution skipped due to unsatisfied preconditions: platformType.";
  return { details: "Success", exitCode: 0, stdout, stderr: "" };
}

/** Returns a plugin as ListCommandInvocations does with Details. Source: API reference, "CommandPlugin". */
export function toPlugin(command: SimCommand, result: StepResult): unknown {
  const { step, details, exitCode, startedAt, endedAt } = result;
  return {
    Name: step.name,
    Status: toStatus(details),
    StatusDetails: details,
    ResponseCode: exitCode,
    ...defined({
      ResponseStartDateTime: startedAt === undefined ? undefined : new Date(startedAt),
      ResponseFinishDateTime: endedAt === undefined ? undefined : new Date(endedAt),
    }),
    Output: toPluginOutput(result.stdout, result.stderr),
    OutputS3BucketName: command.output.bucket,
    OutputS3KeyPrefix: command.output.prefix,
  };
}

/** Returns the fields of GetCommandInvocation for one step. */
export function toStepFields(result: StepResult): object {
  const { step, exitCode, startedAt, endedAt } = result;
  const elapsed = startedAt === undefined || endedAt === undefined ? "" : `PT${(endedAt - startedAt) / 1_000}S`;
  return {
    PluginName: step.name,
    ResponseCode: exitCode,
    ExecutionElapsedTime: elapsed,
    ExecutionStartDateTime: toText(startedAt),
    ExecutionEndDateTime: toText(endedAt),
    StandardOutputContent: cutText(result.stdout, MAX_STDOUT),
    StandardErrorContent: cutText(result.stderr, MAX_STDERR),
  };
}

function toText(at: number | undefined): string {
  return at === undefined ? "" : new Date(at).toISOString();
}
