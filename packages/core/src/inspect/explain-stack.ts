import type { YardProcess } from "../engine/yard-health.ts";
import { listHeldSecrets } from "../machine/decide/stack-secrets.ts";
import { dueTimers } from "../machine/decide/timers.ts";
import { toEventName } from "../machine/event-message.ts";
import { formatNames } from "../machine/format-names.ts";
import { findReachable, findReachableOnSuccess, type Reachable } from "../machine/graph/find-reachable.ts";
import { defined } from "../machine/json.ts";
import { FAILED, type Machine, NEXT, TIMEOUT } from "../machine/machine.ts";
import { createMaskText, type MaskText } from "../machine/mask-text.ts";
import { toShellCommand } from "../machine/shell-command.ts";
import type { Acknowledgement, LastFailure, Stack, Stalled, TaskState } from "../machine/stack.ts";
import { evaluateHealth, findStall, REVISION_LOST } from "../machine/stack-health.ts";
import type { AttemptView, ParkedHead } from "../ports/stack-store.ts";
import { type ExplainedPart, listParts } from "./explain-parts.ts";
import {
  type AttemptFacts,
  explainLeaving,
  explainTask,
  findNewestAttempt,
  formatTimespan,
  listLeft,
  type Reason,
  type Wait,
} from "./explain-task.ts";
import { printFailure } from "./shown-stack.ts";

/** A task with the reason why it is not done. */
interface ExplainedTask extends TaskState {
  /** One sentence, perhaps with that of the task that it waits for. */
  readonly why: string;
  /** Missing when it does not wait. */
  readonly waitsFor?: Wait;
  /** The newest attempt of the present entry. */
  readonly attempt?: AttemptView;
}

/**
 * A failure, with the states that the stack could have reached by itself had the task succeeded; missing when the
 * machine is unknown.
 */
interface ExplainedFailure extends LastFailure {
  readonly missed?: Reachable;
}

/** The explanation of what a stack waits for, as text and as data. */
export interface Explanation {
  readonly summary: string;
  /** The task of which the summary says why it is open, and that alone; missing where it speaks of something else. */
  readonly task?: Pick<ExplainedTask, "name" | "why">;
  /** The same by parts, for readers who show names and instants in their own way; none where `summary` says it all. */
  readonly parts: readonly ExplainedPart[];
  readonly waitsFor?: Wait;
  readonly tasks: readonly ExplainedTask[];
  /** All that were given, as they may be shown. */
  readonly attempts: readonly AttemptView[];
  /** The states that the stack can still reach without an event from outside; missing when the machine is unknown. */
  readonly reachable?: Reachable;
  readonly lastFailure?: ExplainedFailure;
}

/** The facts about a stack. The more of them, the more detailed the explanation. */
export interface ExplainInput {
  readonly stack: Stack;
  readonly attempts: readonly AttemptView[];
  readonly parked: readonly ParkedHead[];
  /** That the stack's next event is decided on. */
  readonly machine?: Machine | undefined;
  /** The live processes of the yard. */
  readonly workers?: readonly YardProcess[] | undefined;
}

/**
 * Explains what a stack and each of its tasks wait for, and for whom. Quotes no sensitive value of the stack. A task
 * whose attempt waits for an exclusive key is QUEUED, which only its attempt records.
 */
export function explainStack(input: ExplainInput, now: number): Explanation {
  const { stack } = input;
  const mask = createMaskText(listHeldSecrets(stack));
  const attempts = input.attempts.map((attempt) => toShown(attempt, mask));
  const tasks = stack.tasks.map((task) => toExplained({ ...input, attempts, now }, task, mask));
  const { why, waitsFor, task } = summarise({ ...input, attempts, now, tasks });
  const parts = listParts({ ...input, now, tasks, waitsFor });
  return {
    summary: mask(why),
    ...(task && { task }),
    parts: parts.map((part) => ({ ...part, ...(part.why !== undefined && { why: mask(part.why) }) })),
    ...(waitsFor && { waitsFor }),
    tasks,
    attempts,
    ...explainOutlook(input, mask),
  };
}

function explainOutlook(
  { stack, machine, parked }: ExplainInput,
  mask: MaskText,
): Pick<Explanation, "reachable" | "lastFailure"> {
  const names = parked.map(({ event }) => toEventName(event.message)).filter((name) => name !== undefined);
  const reachable = machine && findReachable(machine, stack, names);
  return { ...(reachable && { reachable }), ...explainLastFailure(stack, machine, mask) };
}

function explainLastFailure(
  { lastFailure }: Stack,
  machine: Machine | undefined,
  mask: MaskText,
): Pick<Explanation, "lastFailure"> {
  if (lastFailure === undefined) return {};
  const missed = machine && !lastFailure.partial && findReachableOnSuccess(machine, lastFailure.state);
  return { lastFailure: { ...printFailure(lastFailure, mask), ...(missed && { missed }) } };
}

/** Masks the stack's secrets in a progress message; its worker has masked only the secrets of the attempt. */
function toShown(attempt: AttemptView, mask: MaskText): AttemptView {
  const { progressMessage } = attempt;
  return progressMessage === undefined ? attempt : { ...attempt, progressMessage: mask(progressMessage) };
}

function toExplained(facts: ExplainInput & { readonly now: number }, task: TaskState, mask: MaskText): ExplainedTask {
  const attempt = findNewestAttempt(facts, task.name);
  const { why, waitsFor } = explainTask(facts, task);
  const isQueued = task.detail === "RUNNING" && attempt?.status === "queued";
  return {
    ...task,
    ...(isQueued && { detail: "QUEUED" }),
    ...(task.errorMessage !== undefined && { errorMessage: mask(task.errorMessage) }),
    why: mask(why),
    ...(waitsFor && { waitsFor }),
    ...(attempt && { attempt }),
  };
}

/** The facts for the summary of a stack. */
export interface SummaryFacts extends AttemptFacts {
  readonly stack: Stack;
  readonly machine?: Machine | undefined;
  readonly parked: readonly ParkedHead[];
  readonly attempts: readonly AttemptView[];
  readonly tasks: readonly (TaskState & Reason)[];
}

/**
 * Summarizes what the stack as a whole does or waits for: first what needs a person, then what runs, then what may
 * come.
 */
export function summarise(facts: SummaryFacts): Summary {
  const reason = summariseWaits(facts);
  const { heldBack } = facts.stack;
  if (heldBack === undefined || heldBack.code === REVISION_LOST) return reason;
  return { ...reason, why: `${reason.why} (It keeps its revision for now: ${heldBack.reason})` };
}

/** Why a stack is where it is. */
type Summary = Reason & Pick<Explanation, "task">;

function summariseWaits(facts: SummaryFacts): Summary {
  const reason = explainBusy(facts);
  if (reason === undefined) return explainQuiet(facts);
  const [first] = facts.parked;
  if (first === undefined) return reason;
  const next = formatTimespan(Math.min(...facts.parked.map(({ nextTryAt }) => nextTryAt)) - facts.now);
  const count = facts.parked.length === 1 ? "1 event is" : `${facts.parked.length} events are`;
  return { ...reason, why: `${reason.why} (${count} parked and retried within ${next}.)` };
}

/**
 * Explains a stack that is stalled, has failed or pending tasks, or waits for runs of an earlier state. Otherwise
 * undefined.
 */
function explainBusy(facts: SummaryFacts): Summary | undefined {
  const { stack, tasks } = facts;
  const stalled = findStall(stack);
  if (stalled !== undefined) return explainStalled(facts, stalled);
  const failed = tasks.filter(({ status }) => status === "ERROR");
  const pending = tasks.filter(({ status }) => status === "PENDING");
  if (failed.length > 0 && (stack.failed === true || pending.length === 0)) return explainFailed(facts, failed);
  if (pending.length > 0) return explainPending(pending, failed);
  const left = listLeft(stack);
  return left.length > 0 ? explainLeaving(facts, left) : undefined;
}

function explainStalled({ stack, machine }: SummaryFacts, { code, reason: cause }: Stalled): Reason {
  if (code === REVISION_LOST) {
    const move = toShellCommand`stackyard stacks upgrade ${stack.id}`;
    const why = `Its revision is lost: ${cause} Bring the document back, or move the stack to another revision with \`${move}\`.`;
    return { why, waitsFor: { kind: "operator", code } };
  }
  const reason = stack.pending?.includes(NEXT) ? `It waits for NEXT: ${cause}` : cause;
  const events = listHandled(stack, machine);
  const advice =
    code === "LOOP_LIMIT" || code === "TRANSITION_LIMIT"
      ? " Find the cause of the loop, then send an event to continue."
      : events.length > 0
        ? ` Send one of ${formatNames(events)}, or ${adviseRevision(stack, machine)}.`
        : ` To continue, ${adviseRevision(stack, machine)}. \`${toShellCommand`stackyard stacks remove ${stack.id} --force --reason WHY`}\` deletes its record.`;
  const waitsFor: Wait = { kind: "operator", code, ...(events.length > 0 ? { events } : {}) };
  return { why: `Stalled (${code}): ${reason}${advice}`, waitsFor };
}

/**
 * Returns the advice to correct the machine. Only a stack that keeps its revision can be moved; the others follow the
 * newest one.
 */
function adviseRevision({ id }: Stack, machine: Machine | undefined): string {
  if (machine?.revision === "follow") return "correct the machine: the stack follows its newest revision";
  return `correct the machine and move the stack to it with \`${toShellCommand`stackyard stacks upgrade ${id}`}\``;
}

function explainFailed({ stack, machine }: SummaryFacts, failed: readonly TaskState[]): Reason {
  const events = listHandled(stack, machine);
  const others = events.length === 0 ? "" : ` The state also handles ${formatNames(events)}.`;
  const names = failed.map(({ name }) => name);
  const code = failed.find(({ errorCode }) => errorCode !== undefined)?.errorCode;
  return {
    why: `Failed: ${formatNames(names)}. \`${toShellCommand`stackyard stacks retry ${stack.id}`}\` tries again.${others}`,
    waitsFor: { kind: "operator", tasks: names, ...defined({ code }) },
  };
}

function explainPending(pending: SummaryFacts["tasks"], failed: readonly TaskState[]): Summary {
  // A task that waits for another task of the stack explains less than that task itself.
  const first = pending.find(({ waitsFor }) => waitsFor?.kind !== "need") ?? pending[0];
  const others = failed.length === 0 ? "" : ` Failed: ${formatNames(failed.map(({ name }) => name))}.`;
  const why = first === undefined ? "" : `${first.name}: ${first.why}`;
  const names = pending.map(({ name }) => name);
  return {
    why: pending.length === 1 && failed.length === 0 ? why : `Waits for ${formatNames(names)}.${others} ${why}`.trim(),
    ...(first?.waitsFor && { waitsFor: { task: first.name, ...first.waitsFor } }),
    ...(first && { task: { name: first.name, why: first.why } }),
  };
}

function explainQuiet({ stack, machine, parked, now }: SummaryFacts): Reason {
  const { degraded, needsPerson } = evaluateHealth(stack);
  const overdue = `${degraded ? explainDegraded(stack, now) : ""}${explainLate(stack)}`;
  const [first] = parked;
  if (first !== undefined) return explainParked(first, overdue, now);
  const events = listHandled(stack, machine);
  const [timer] = dueTimers(stack, Number.POSITIVE_INFINITY);
  const wanted = events.length === 0 ? "Waits for an event." : `Waits for an event: ${formatNames(events)}.`;
  if (timer === undefined) {
    const kind = needsPerson ? "operator" : "event";
    return { why: `${overdue}${wanted}`, waitsFor: { kind, ...(events.length > 0 ? { events } : {}) } };
  }
  const byItself = `${timer.event} is sent automatically in ${formatTimespan(timer.dueAt - now)}.`;
  const waitsFor: Wait = {
    kind: "timer",
    event: timer.event,
    at: timer.dueAt,
    ...(events.length > 0 ? { events } : {}),
  };
  return { why: `${overdue}${wanted} ${byItself}`, waitsFor };
}

function explainLate({ overdue, timers }: Stack): string {
  const late = overdue === true ? "Overdue: the state has timed out and does not handle TIMEOUT. " : "";
  const missed = timers.flatMap(({ event, refused }) => {
    if (refused?.givenUpAt === undefined) return [];
    return `Overdue: the timer of ${event} was given up (${refused.code}: ${refused.reason}). `;
  });
  return `${late}${missed.join("")}`;
}

function explainDegraded({ lastFailure }: Stack, now: number): string {
  if (lastFailure === undefined) return "";
  const { task, state, code, message = "", partial, acknowledged } = lastFailure;
  const mark = acknowledged ? explainMark(acknowledged, now) : "";
  if (partial) return `Degraded: "${task}" in ${state}: ${message} ${mark}`;
  const why = code === undefined ? "" : ` (${code})`;
  return `Degraded: "${task}" failed in ${state}${why}. ${mark}`;
}

function explainMark({ at, by, reason }: Acknowledgement, now: number): string {
  const who = by === undefined ? "" : ` by ${by}`;
  return `Acknowledged${who} ${formatTimespan(now - at)} ago${reason === undefined ? "" : `: ${reason}`}. `;
}

function explainParked(parked: ParkedHead, overdue: string, now: number): Reason {
  const { event, code, reason, nextTryAt } = parked;
  const name = toEventName(event.message);
  const what = name === undefined ? "An event" : `The event ${name}`;
  return {
    why: `${overdue}${what} is parked (${code}: ${reason}); it is retried in ${formatTimespan(nextTryAt - now)}.`,
    waitsFor: {
      kind: "parked",
      eventId: event.id,
      code,
      at: nextTryAt,
      ...defined({ event: name }),
    },
  };
}

/** Returns the events from outside that the state handles. */
function listHandled(stack: Stack, machine: Machine | undefined): readonly string[] {
  const names = machine?.states.get(stack.state)?.on.keys() ?? [];
  return [...names].filter((name) => name !== NEXT && (machine?.events.has(name) || !INTERNAL.has(name)));
}

const INTERNAL: ReadonlySet<string> = new Set([FAILED, TIMEOUT]);
