import { findNearestName, quote, suggest } from "../document/wording.ts";
import { APPROVAL_EVENTS, isSent, RESULT_EVENTS, type StackEvent, SYSTEM_EVENTS } from "../event-message.ts";
import { FAILED, INIT, type Machine, NEXT, type Reaction, TIMEOUT } from "../machine.ts";
import type { Stack, TaskRun, TaskState } from "../stack.ts";
import { approveTask, askAgain, rejectTask, withdrawApproval } from "./answer-approval.ts";
import { noteCommit } from "./commits.ts";
import { type Applied, type Decision, effectOf, type Ignored, type Rejected, reject } from "./decision.ts";
import { beginDeed, endDeed } from "./deeds.ts";
import {
  chooseReaction,
  findConfirmFault,
  firePending,
  fireTimeout,
  type Occurrence,
  react,
  resolveSets,
  stall,
  startReleased,
} from "./enter-state.ts";
import { findChanged } from "./find-changed.ts";
import { armInstants } from "./instants.ts";
import { formatAbandoned } from "./left-behind.ts";
import { checkBrought, findUnbrought } from "./metadata.ts";
import { noteMetadataSender } from "./metadata-senders.ts";
import { type MoveFault, moveStack } from "./move-stack.ts";
import { noteRelease } from "./note-release.ts";
import {
  acknowledgeFailure,
  cancelTask,
  retryDue,
  retryFailed,
  retryPending,
  settleTask,
  upgradeStack,
} from "./operator-events.ts";
import { closeRun, toCancel } from "./runs.ts";
import { listHeldSecrets, listSecretValues, maskDecision, maskText, withQuotedOutputs } from "./stack-secrets.ts";
import { completeTask, confirmCancel, failTask, timeOutTask } from "./task-results.ts";
import { timeoutId } from "./timer-ids.ts";
import { describeTimers, findTimerFault } from "./timers.ts";
import { toScope } from "./to-scope.ts";
import {
  beginWork,
  bringMetadata,
  createStack,
  DEFAULT_LIMITS,
  type DecideLimits,
  endWork,
  type Handler,
  toKnownSender,
  toScopeInput,
  type Work,
} from "./work.ts";

/**
 * Decides the effect of an event on a stack. Pure: `event.at` is now, and the same input results in the same decision.
 * Without a stack, an event that names the machine begins one. A refused event changes nothing, its metadata included.
 * The caller checks whether the id was applied before, and what is left of what was made for the stack: with something in
 * `left`, the stack is not removed at its end.
 */
export function decide(
  machine: Machine,
  stack: Stack | undefined,
  event: StackEvent,
  limits: DecideLimits = DEFAULT_LIMITS,
  left: readonly string[] = [],
): Decision {
  const given = { machine, event: withQuotedOutputs(machine, stack, event), limits, left };
  return decideWithoutMachine(stack, event, left) ?? decideMasked(stack, given);
}

/**
 * Decides as far as possible without a machine; returns undefined when one is needed. A stack can be removed by force
 * although its machine is lost: `left` is what that leaves.
 */
export function decideWithoutMachine(
  stack: Stack | undefined,
  event: StackEvent,
  left: readonly string[] = [],
): Decision | undefined {
  if (stack === undefined) {
    const mayBegin = !NEEDS_STACK.has(event.name);
    if (mayBegin && event.machine !== undefined) return undefined;
    const advice = mayBegin && !SYSTEM_HANDLERS.has(event.name) ? " Name the machine of a new one." : "";
    return ignore("STACK_UNKNOWN", `Unknown stack "${event.stackId}".${advice}`);
  }
  if (event.machine !== undefined && event.machine !== stack.machine) {
    return reject("MACHINE_MISMATCH", `Stack "${stack.id}" belongs to "${stack.machine}", not to "${event.machine}".`);
  }
  const changed = findChanged(stack, event);
  if (changed !== undefined) return changed;
  return event.name === SYSTEM_EVENTS.removeStack ? removeStack(stack, event, left) : undefined;
}

/**
 * Returns the name of the machine that an event is decided on; undefined when neither a stack nor the event has one.
 */
export function machineNameFor(stack: Stack | undefined, event: StackEvent): string | undefined {
  return stack?.machine ?? event.machine;
}

/** Events about a stack that is there. Retries are not among them: as in CloudSeam, one that names a machine begins a stack. */
const NEEDS_STACK: ReadonlySet<string> = new Set([
  SYSTEM_EVENTS.removeStack,
  SYSTEM_EVENTS.upgradeStack,
  SYSTEM_EVENTS.acknowledgeFailure,
]);

const SYSTEM_HANDLERS: ReadonlyMap<string, Handler> = new Map([
  [SYSTEM_EVENTS.taskCompleted, completeTask],
  [SYSTEM_EVENTS.taskError, failTask],
  [SYSTEM_EVENTS.taskCancelled, confirmCancel],
  [SYSTEM_EVENTS.taskTimedOut, timeOutTask],
  [SYSTEM_EVENTS.taskRetryDue, retryDue],
  [SYSTEM_EVENTS.retryFailedTasks, retryFailed],
  [SYSTEM_EVENTS.retryPendingTasks, retryPending],
  [SYSTEM_EVENTS.cancelTask, cancelTask],
  [SYSTEM_EVENTS.settleTask, settleTask],
  [SYSTEM_EVENTS.upgradeStack, upgradeStack],
  [SYSTEM_EVENTS.acknowledgeFailure, acknowledgeFailure],
  [SYSTEM_EVENTS.approveTask, approveTask],
  [SYSTEM_EVENTS.rejectTask, rejectTask],
  [SYSTEM_EVENTS.withdrawApproval, withdrawApproval],
]);

/** Everything that a decision depends on, besides the stack. */
type Given = Pick<Work, "machine" | "event" | "limits" | "left">;

function decideOnMachine(stack: Stack | undefined, given: Given): Decision {
  const { machine, event } = given;
  const state = machine.states.get(stack?.state ?? INIT);
  if (state === undefined) return rejectState(machine, stack, event);
  const before = stack ?? createStack(machine, state, event);
  const move = moveStack(machine, before, event.at);
  if (move.kind === "held") return rejectMove(event, move.fault);
  const begin: Begin = { ...given, before, moved: move.stack };
  const fault =
    findStaleTimer(begin) ??
    findNameFault(machine, before, event) ??
    findSenderFault(machine, before, event) ??
    findUnbrought(machine, event);
  if (fault) return fault;
  const brought = checkBrought(machine, stack, event);
  if (brought.kind === "rejected") return settleRefused(stack, given, brought);
  const work = beginWork({ ...begin, brought });
  // A result may be that of a run that was left: then its metadata does not concern the stack.
  if (!RESULT_EVENTS.has(event.name)) bringMetadata(work);
  // An approval that this event opens knows who has brought what it is about.
  noteMetadataSender(work, before);
  beginDeed(work, before);
  const { stack: noted } = work;
  const unhandled = findHandler(machine, before, event)(work);
  if (unhandled !== undefined) return unhandled;
  noteMetadataSender(work, noted);
  return end(work, before);
}

/** Decides a result with refused metadata as the end of its task; nothing else is applied with metadata that is refused. */
function settleRefused(stack: Stack | undefined, given: Given, refused: Rejected): Decision {
  const settled = stack === undefined ? undefined : toSettled(given.event, refused);
  return settled === undefined ? refused : decideOnMachine(stack, { ...given, event: settled });
}

type Begin = Given & { readonly before: Stack; readonly moved: Stack };

/** Refuses an upgrade; other events are decided on a revision to which their stack may move. */
function rejectMove({ name }: StackEvent, { code, reason }: MoveFault): Rejected {
  return reject(name === SYSTEM_EVENTS.upgradeStack ? code : "MACHINE_INVALID", reason);
}

function findStaleTimer(begin: Begin): Decision | undefined {
  const { event, before, moved } = begin;
  if (event.origin !== "timer") return undefined;
  return findTimerFault(before, event) ?? (findTimerFault(moved, event) && endMove(begin));
}

/**
 * Ignores the event of a timer that ended with the earlier revision: the event only moves the stack, as an upgrade does. A later
 * revision that has the timer again arms it for the same instant. Where the move leads the stack on, the event has done that.
 */
function endMove({ before, ...given }: Begin): Decision {
  const { timerId: _, ...rest } = given.event;
  const event = { ...rest, name: SYSTEM_EVENTS.upgradeStack };
  const brought = { metadata: before.metadata, own: [], keys: [] };
  const moved = end(beginWork({ ...given, event, before, brought }), before);
  if (moved.kind === "rejected") return moved;
  const reason = `This revision has no timer of "${given.event.name}". The stack moves to it.`;
  if (moved.removed || moved.stack.entry !== before.entry) return { ...moved, notes: [reason, ...moved.notes] };
  return { kind: "ignored", code: "TIMER_STALE", reason, moved };
}

/** Does what the event, and the revision that the stack has moved to by it, have made possible. */
function end(work: Work, before: Stack): Applied | Rejected {
  noteRelease(work, before);
  const isMoved = before.machineHash !== work.machine.hash && before.entry === work.stack.entry;
  if (isMoved) startReleased(work);
  if (before.pending !== undefined) firePending(work, before);
  const { machine, event } = work;
  const state = machine.states.get(work.stack.state);
  const fault = state?.after.some(({ kind }) => kind === "at") ? armInstants(work, before) : undefined;
  if (fault !== undefined) return fault;
  if (isMoved) work.notes.push(...describeTimers(before, work.stack, state, event.timerId));
  if (work.stack.approvals !== undefined) askAgain(work, before);
  endDeed(work, before);
  noteCommit(work, before);
  const applied = endWork(work);
  return isUnchanged(before, applied, work.limits) ? { ...applied, stack: before } : applied;
}

/**
 * Returns true when an event was applied and has changed nothing, such as a no-op with the values of the stack. After
 * too many automatic entries, the count begins anew with any event from outside.
 */
function isUnchanged(before: Stack, applied: Applied, { automaticEntriesPerHour }: DecideLimits): boolean {
  const { stack, removed, dispatches, resends = [], cancels, endedAttempts, raised = [] } = applied;
  if (before.automaticEntries.length >= automaticEntriesPerHour) return false;
  if (removed || [dispatches, resends, cancels, endedAttempts, raised].some(({ length }) => length > 0)) return false;
  const toFacts = ({ updatedAt: _, automaticEntries: __, ...facts }: Stack) => Object.entries(facts);
  const known = new Map<string, unknown>(toFacts(before));
  const facts = toFacts(stack);
  return facts.length === known.size && facts.every(([key, value]) => known.get(key) === value);
}

/**
 * Masks the sensitive values of the event, and of the stack before and after it, in the reasons and notes of a
 * decision.
 */
function decideMasked(stack: Stack | undefined, given: Given): Decision {
  const { machine, event } = given;
  const decision = decideOnMachine(stack, given);
  const after = effectOf(decision)?.stack;
  return maskDecision(listSecretValues(machine, [stack, after], event), decision);
}

function findHandler(machine: Machine, stack: Stack, event: StackEvent): Handler {
  if (isTimeout(stack, event)) return timeOutState;
  if (event.release?.onlyNotes) return leaveAsIs;
  // A document that is kept from before these names were reserved.
  if (APPROVAL_EVENTS.has(event.name) && machine.events.has(event.name)) return handleEvent;
  return SYSTEM_HANDLERS.get(event.name) ?? handleEvent;
}

function isTimeout({ entry }: Stack, { name, origin, timerId }: StackEvent): boolean {
  return name === TIMEOUT && origin === "timer" && timerId === timeoutId(entry);
}

const timeOutState: Handler = (work) => {
  fireTimeout(work);
  return undefined;
};

const handleEvent: Handler = (work) => {
  const { event, brought, limits } = work;
  if ((event.raised?.step ?? 0) > limits.entriesPerEvent) {
    stall(work, { code: "TRANSITION_LIMIT", reason: `One event may raise at most ${limits.entriesPerEvent} events.` });
    return undefined;
  }
  const values = Object.fromEntries(brought.own.map((key) => [key, brought.metadata[key] ?? null] as const));
  const occurrence: Occurrence = { ...toScopeInput(work), name: event.name, brought: values };
  const choice = chooseReaction(occurrence);
  if (choice.kind === "rejected") return choice;
  const { reaction } = choice;
  const unconfirmed = findUnconfirmed(occurrence, reaction, event);
  if (unconfirmed) return unconfirmed;
  const sets = resolveSets(occurrence, reaction);
  if (sets.kind === "rejected") return sets;
  const leadsOn = reaction.advance.length > 0 || reaction.raise !== undefined;
  if (isSent(event) && leadsOn) setAsker(work);
  if (isSent(event) && reaction.advance.length > 0) answerFailure(work);
  const loop = react(work, reaction, sets);
  if (loop) stall(work, loop);
  return undefined;
};

/** Notes the release of an event whose values are there already. */
const leaveAsIs: Handler = (work) => {
  work.notes.push("The stack has these values already: only the release is noted.");
  return undefined;
};

/** A release confirms nothing: that a protected stack ends is for people to say. */
function findUnconfirmed(occurrence: Occurrence, reaction: Reaction, event: StackEvent): Rejected | undefined {
  if (!isSent(event)) return undefined;
  return findConfirmFault(occurrence, reaction, event.origin === "stack" ? undefined : event.confirm);
}

/** Remembers for whom the stack enters a state. Timers, results and operators' events do not change that. */
function setAsker(work: Work): void {
  const { sender } = work.event;
  if (sender === undefined && work.stack.askedBy === undefined) return;
  const { askedBy, ...rest } = work.stack;
  work.stack = sender === undefined ? rest : { ...rest, askedBy: toKnownSender(sender) };
}

/** Notes that a person has moved the stack on since its last failure. */
function answerFailure(work: Work): void {
  const { lastFailure } = work.stack;
  if (lastFailure === undefined || lastFailure.resolvedAt !== undefined) return;
  work.stack = { ...work.stack, lastFailure: { ...lastFailure, answeredAt: work.event.at } };
}

function findNameFault(machine: Machine, stack: Stack, event: StackEvent): Rejected | undefined {
  const { name } = event;
  if (SYSTEM_HANDLERS.has(name) || machine.events.has(name) || isTimeout(stack, event)) return undefined;
  if (name === NEXT && machine.semantics.acceptsNext) return undefined;
  if (RESERVED.has(name)) return reject("EVENT_RESERVED", `"${name}" is sent by the engine only.`);
  return reject(
    "EVENT_UNDECLARED",
    `Machine "${machine.name}" declares no event "${name}".${suggest(findNearestName(name, machine.events))}`,
  );
}

/**
 * Returns whether the machine allows the event from the sender. The machine itself causes the events of timers, workers
 * and the engine.
 */
function findSenderFault(machine: Machine, stack: Stack, event: StackEvent): Rejected | undefined {
  const allow = isSent(event) ? machine.allow.get(event.name) : undefined;
  if (allow === undefined) return undefined;
  const { name, sender } = event;
  if (sender === undefined) {
    const advice = "Send it over the API, or from a sender that QUEUE_SENDERS names.";
    return reject("NOT_ALLOWED", `"${name}" needs a verified sender, and this event has none. ${advice}`);
  }
  const scope = toScope({ machine, stack, at: event.at }, { actor: sender, event: { name, metadata: {} } });
  const result = allow.evaluate(scope);
  if (result.kind === "value" && result.value === true) return undefined;
  const why = result.kind === "error" ? result.reason : `allow is ${quote(allow.source)}`;
  return reject("NOT_ALLOWED", `${quote(sender.name)} may not send "${name}": ${why}.`);
}

/** Sent by the engine only, unless the machine declares an event of the same name. */
const RESERVED: ReadonlySet<string> = new Set([NEXT, FAILED, TIMEOUT]);

function rejectState(machine: Machine, stack: Stack | undefined, event: StackEvent): Rejected {
  const reason = `Machine "${machine.name}" has no state "${stack?.state ?? INIT}".`;
  return reject(event.name === SYSTEM_EVENTS.upgradeStack ? "UPGRADE_STATE_MISSING" : "STATE_UNKNOWN", reason);
}

/**
 * Returns the event of a result with refused content. No sender's result is refused for its content: its task fails instead,
 * and its metadata is left out.
 */
function toSettled(event: StackEvent, { reason }: Rejected): StackEvent | undefined {
  if (!RESULT_EVENTS.has(event.name)) return undefined;
  const { metadata, ...rest } = event;
  if (event.name !== SYSTEM_EVENTS.taskCompleted) return rest;
  return { ...rest, name: SYSTEM_EVENTS.taskError, code: "OUTPUT_INVALID", description: reason };
}

function ignore(code: Ignored["code"], reason: string): Ignored {
  return { kind: "ignored", code, reason };
}

/**
 * Returns the stack after a decision; undefined when it does not exist. An event that was not applied may still have
 * ended a run.
 */
export function followDecision(stack: Stack | undefined, decision: Decision): Stack | undefined {
  const effect = effectOf(decision);
  if (effect !== undefined) return effect.removed ? undefined : effect.stack;
  if (decision.kind === "applied" || stack === undefined || decision.endedAttempt === undefined) return stack;
  return closeRun(stack, decision.endedAttempt);
}

/** Removes a stack by force: cancels its open runs, and notes which of them may continue, and what is left. */
function removeStack(stack: Stack, event: StackEvent, left: readonly string[]): Decision {
  if (event.force !== true || !event.reason) {
    return { kind: "rejected", code: "EVENT_INVALID", reason: '"REMOVE_STACK" needs "force": true and a "reason".' };
  }
  const runs = stack.runs.map((run): TaskRun => ({ ...run, cancelling: run.cancelling ?? "requested" }));
  return {
    kind: "applied",
    stack: { ...stack, runs, updatedAt: event.at },
    removed: true,
    dispatches: [],
    cancels: runs.map((run) => toCancel(run, run.cancelling ?? "requested")),
    endedAttempts: [],
    notes: [...formatLeftovers(stack, event.reason), ...(left.length > 0 ? [formatAbandoned(left)] : [])],
  };
}

function formatLeftovers(stack: Stack, reason: string): readonly string[] {
  return [
    `Removed by force in state "${stack.state}": ${maskText(listHeldSecrets(stack), reason)}`,
    ...stack.runs.map(formatRun),
    ...stack.tasks.filter(({ status }) => status !== "PENDING").map(formatTask),
    "Resources of tasks of earlier states may also be left behind.",
  ];
}

function formatRun({ task, entry, attempt }: TaskRun): string {
  return `May be left behind: resources of task "${task}" (entry ${entry}, attempt ${attempt}), which is being stopped.`;
}

function formatTask({ name, status }: TaskState): string {
  return `May be left behind: resources of task "${name}", ${status}.`;
}

/** Returns the message about an unknown machine, with the nearest known name. */
export function formatUnknownMachine(name: string, known: Iterable<string>): string {
  return `Unknown machine ${quote(name)}.${suggest(findNearestName(name, known))}`;
}
