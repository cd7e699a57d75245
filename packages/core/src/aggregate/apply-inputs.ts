import { isPassing, toErrorText } from "../errors/stackyard-error.ts";
import { type Decision, effectOf, type Rejected } from "../machine/decide/decision.ts";
import { dueTimers } from "../machine/decide/timers.ts";
import { markOf } from "../machine/event-content.ts";
import {
  type ParsedEvent,
  RESULT_EVENTS,
  SETTLED_APPROVAL,
  type StackEvent,
  SYSTEM_EVENTS,
  toEventKey,
  toEventName,
} from "../machine/event-message.ts";
import { isMap } from "../machine/json.ts";
import type { Stack } from "../machine/stack.ts";
import type { LoadedStack, Outcome, ParkedEvent, ParkedHead, QueuedEvent } from "../ports/stack-store.ts";
import type { DeliveryOutcome } from "../ports/transport.ts";
import type { AppliedInputs, ApplyOptions, TakenOutcome, Work } from "./apply-options.ts";
import { correctClock, toCorrectedLine } from "./correct-clock.ts";
import { decideOn, decideWithLeft, type NotedDecision, requireMachine } from "./decide-on.ts";
import { giveUp } from "./give-up.ts";
import { findLost, withLost } from "./held-back.ts";
import { findRefusedKeys, toHistoryEntry, toUnreadEntry } from "./history-line.ts";
import {
  beginIncarnation,
  endIncarnation,
  findFormer,
  followCourse,
  giveUpOutlived,
  renewRepeated,
} from "./incarnation.ts";
import { compareAge, isNeeds, isSurelyRefused, type Needs, requireParked } from "./parked-tries.ts";
import { parseQueued } from "./parse-queued.ts";
import { pickRandom } from "./pick-random.ts";
import { deadLetterOrAnswer, isRedelivered, parkOrGiveUp, type RefusalOutcome, refuse } from "./refuse.ts";
import { beginRound, hasNoParked, type Round, recordEvent, takeDecision, toChange, unpark } from "./round.ts";
import { type StackInput, toDeadlineEvent } from "./stack-input.ts";
import { followTimer, isSkippedAgain, toTimerEvent } from "./timer-event.ts";

const DONE: DeliveryOutcome = { kind: "done" };
const REFUSED: DeliveryOutcome = { kind: "retry", reason: "The event is refused.", refused: true };

/** The time that an attempt has to end after its deadline when its stack is gone. */
const ORPHAN_CANCEL_MS = 300_000;

/**
 * Decides the effect of inputs on an aggregate: a stack with its parked events. Pure and synchronous. The engine,
 * `simulate` and the preview of an event all call it. The inputs are applied in their order. If one cannot be decided,
 * it and the later ones are delivered again, because an event must not overtake another event of its stack.
 */
export function applyInputs(
  aggregate: LoadedStack,
  inputs: readonly StackInput[],
  options: ApplyOptions,
): AppliedInputs {
  const round = beginRound(aggregate, options);
  correctClock(round);
  const work: Work = { options, round, revisions: new Set(), decided: [], apply: applyInputs };
  const outcomes: DeliveryOutcome[] = [];
  const faults = new Map<number, unknown>();
  for (const [place, input] of inputs.entries()) {
    try {
      const result = applyInput(work, input);
      if (isNeeds(result)) return result;
      outcomes.push(result === "done" ? DONE : REFUSED);
    } catch (error) {
      faults.set(place, error);
      if (!isPassing(error) && giveUp(options, round, input, error)) {
        outcomes.push(DONE);
        continue;
      }
      const reason = toErrorText(error);
      outcomes.push(...inputs.slice(place).map(() => ({ kind: "retry", reason }) as const));
      break;
    }
  }
  const { revisions, decided } = work;
  return { kind: "applied", change: toChange(round), outcomes, revisions, decided, faults };
}

/** The answer to an input. `redeliver`: the transport must deliver the event again. */
type Taken = "done" | "redeliver" | Needs;

/** Throws only before it has changed anything. */
function applyInput(work: Work, input: StackInput): Taken {
  const { round } = work;
  switch (input.kind) {
    case "delivery":
      return applyDelivery(work, input.delivery.event, input.delivery.storeReceipt);
    case "result":
      return applyResult(work, input);
    case "timers":
      return (input.timerId === undefined ? fireTimers(work) : fireNamedTimer(work, input.timerId)) ?? "done";
    case "parked":
      return retryParked(work, ({ nextTryAt }) => nextTryAt <= round.now) ?? "done";
    case "revised":
      return moveRevised(work) ?? retryParked(work, () => true) ?? "done";
    case "corrected":
      round.history.push(toCorrectedLine(round, input.attempts));
      return "done";
    case "deadline":
      return applyDeadline(work, input) ?? "done";
  }
}

function applyDelivery(work: Work, queued: QueuedEvent, receipt: string | undefined): Taken {
  const result = applyQueued(work, queued);
  if (result === "done" && receipt !== undefined) work.round.receipts.push(receipt);
  return result;
}

/** Applies the result of an attempt that ends with this change. It cannot arrive again, so its id is not stored. */
function applyResult(work: Work, { event, result }: Extract<StackInput, { kind: "result" }>): Taken {
  const taken = applyQueued(work, event);
  if (isNeeds(taken)) return taken;
  work.round.appliedIds.delete(toEventKey(event));
  work.round.results.push(result);
  return "done";
}

/** Applies an event from a queue, or one that was parked. */
function applyQueued(work: Work, queued: QueuedEvent): Taken {
  const parsed = parseQueued(work.options, work.round, queued);
  if (parsed.kind === "invalid") return refuseUnread(work, queued, parsed);
  const former = findFormer(work.round, queued);
  if (former !== undefined) return refuseUnread(work, queued, former);
  const noted = decideOn(work, parsed.event);
  return isNeeds(noted) ? noted : takeEvent(work, queued, parsed.event, noted);
}

type Unread = Pick<Extract<ParsedEvent, { kind: "invalid" }>, "reason"> & { readonly code: string };

const CREDENTIAL_ENDED: Unread = {
  code: "CREDENTIAL_ENDED",
  reason: "The login or token that sent the event has ended while it waited.",
};

function refuseUnread({ options, round }: Work, queued: QueuedEvent, why: Unread): "done" | "redeliver" {
  if (isRedelivered(options, round, queued)) {
    round.history.push(toUnreadEntry(queued, { ...why, outcome: "refused", at: round.now }));
    return "redeliver";
  }
  const isKept = queued.origin !== "stack";
  const outcome = isKept ? deadLetterOrAnswer(options, round, queued, { ...why, masked: "all" }) : "refused";
  const entry = toUnreadEntry(queued, { ...why, outcome, at: round.now });
  recordEvent(options, round, { entry, sender: queued.sender });
  if (isKept) unpark(round, queued);
  return "done";
}

function takeEvent(work: Work, queued: QueuedEvent, event: StackEvent, noted: NotedDecision): Taken {
  const { options, round } = work;
  if (giveUpOutlived(options, round, { queued, decision: noted.decision, before: round.stack })) return "done";
  const taken = takeDecided(work, { queued, event, noted });
  if (isNeeds(taken)) return taken;
  return retryAfter(work, taken.hasChanged) ?? (taken.became === "redeliver" ? "redeliver" : "done");
}

/** A decision about an event. `chain`: the event was raised by another one of this unit of work. */
interface Decided {
  readonly queued: QueuedEvent;
  readonly event: StackEvent;
  readonly noted: NotedDecision;
  readonly chain?: RaisedChain;
}

/** The result of an event. `hasChanged`: parked events must be decided again. */
interface TakenDecision {
  readonly became: RefusalOutcome;
  readonly hasChanged: boolean;
}

/** Takes a decision into the unit of work, with the events that it raises. */
function takeDecided(work: Work, { queued, event, noted, chain }: Decided): TakenDecision | Needs {
  const { options, round } = work;
  const { decision, machine } = noted;
  const before = round.stack;
  const changed = takeDecision(round, event, decision, options);
  followLost(round, noted);
  followCourse(round, { event, decision, before, machine });
  const masked = findRefusedKeys(event, { machine, stack: before });
  const became =
    decision.kind === "rejected"
      ? refuse(options, round, { event, queued, decision, masked, mark: markOf(event) })
      : toOutcome(decision);
  const outcome = became === "redeliver" ? "refused" : became;
  if (decision.kind !== "applied") {
    followOwn(round, queued, { ...decision, outcome });
    renewRepeated(round, event, decision);
  }
  work.decided.push({ event, decision, outcome, isBegin: before === undefined, stack: round.stack });
  noteHistory(work, { event, noted, became, before });
  const needs = beginIncarnation(options, round, { before, begun: queued });
  if (needs !== undefined) return needs;
  if (outcome !== "parked" && outcome !== "parked-again") unpark(round, event);
  const ended = endIncarnation(options, round, before);
  if (ended !== undefined) return ended;
  const hasChanged = applyRaised(work, { cause: event, noted, changed, chain });
  return isNeeds(hasChanged) ? hasChanged : { became, hasChanged };
}

interface DecidedEvent {
  readonly event: StackEvent;
  readonly noted: NotedDecision;
  readonly became: RefusalOutcome;
  readonly before: Stack | undefined;
}

/** Adds the line of an event to the history, unless it would repeat one. */
function noteHistory({ options, round }: Work, { event, noted, became, before }: DecidedEvent): void {
  const { decision, notes, machine } = noted;
  if (became === "parked-again" || isSkippedAgain(before, event, decision)) return;
  const outcome = became === "redeliver" ? "refused" : became;
  const entry = toHistoryEntry({ event, decision, outcome, before, notes, machine });
  if (became === "redeliver") round.history.push(entry);
  else recordEvent(options, round, { entry, sender: event.sender, machine, action: toAction(event) });
}

/** Records on the stack that its revision is lost, or that it is there again: the stack is on what was found. */
function followLost(round: Round, { machine, lost }: NotedDecision): void {
  const { stack } = round;
  if (stack === undefined || (lost === undefined && machine?.hash !== stack.machineHash)) return;
  round.stack = withLost(stack, lost);
}

/**
 * Records on the stack that an event without a sender was not applied: no one else would send it again, or see that it is
 * missing.
 */
function followOwn(
  round: Round,
  { id, timerId, raised, message }: QueuedEvent,
  why: { readonly outcome: TakenOutcome; readonly code: string; readonly reason: string },
): void {
  const { stack, now } = round;
  const { outcome, code, reason } = why;
  if (stack === undefined) return;
  if (timerId !== undefined) round.stack = followTimer(stack, { id, timerId }, { outcome, code, reason, at: now });
  const name = toEventName(message) ?? "";
  const isOwed = raised !== undefined || isAwaited(stack, name, message);
  if (!isOwed || outcome !== "dead-lettered") return;
  const what = raised === undefined ? "result" : "raised event";
  round.stack = {
    ...(round.stack ?? stack),
    stalled: { code, reason: `The ${what} "${name}" was given up: ${reason}` },
  };
}

/** Returns true for a result, by the name of its task, that the stack waits for. */
function isAwaited({ tasks }: Stack, event: string, { task }: QueuedEvent["message"]): boolean {
  if (!RESULT_EVENTS.has(event) || !isMap(task)) return false;
  return tasks.some(({ name, status }) => name === task["name"] && status === "PENDING");
}

/** Returns the action of an event in the audit log, where its name does not say what it does. */
function toAction({ name, approval }: StackEvent): string | undefined {
  return name === SYSTEM_EVENTS.settleTask && approval ? SETTLED_APPROVAL : undefined;
}

function toOutcome(decision: Exclude<Decision, Rejected>): Outcome {
  if (decision.kind === "ignored") return "ignored";
  return decision.removed ? "removed" : "applied";
}

/** Decides parked events again if something changed, without those that the stack's state does not handle either. */
function retryAfter(work: Work, changed: boolean | Needs): Needs | undefined {
  if (changed !== true) return changed === false ? undefined : changed;
  const { options, round } = work;
  return retryParked(work, (head) => {
    const refused = isSurelyRefused(head, round.stack, (wanted) => requireMachine(options, wanted));
    return isNeeds(refused) ? refused : !refused;
  });
}

/** Decides parked events again, oldest first; from the beginning after each one that changed the stack. */
function retryParked(work: Work, isDue: (head: ParkedHead) => boolean | Needs): Needs | undefined {
  const { round } = work;
  if (hasNoParked(round)) return undefined;
  const heads = [...round.parked.values()].sort(compareAge);
  for (const [place, head] of heads.entries()) {
    // A retry that changes the stack tries the others itself.
    if (round.parked.get(toEventKey(head.event)) !== head) continue;
    const due = isDue(head);
    if (due === false) continue;
    const next = () => heads.slice(place + 1).filter((each) => isDue(each) === true);
    const needs = isNeeds(due) ? due : tryParked(work, requireParked(round, head, next));
    if (needs !== undefined) return needs;
  }
  return undefined;
}

/** Decides a parked event again. Dead-letters it if its sender's credential has ended. */
function tryParked(work: Work, parked: ParkedEvent | Needs): Needs | undefined {
  if (isNeeds(parked)) return parked;
  const { event } = parked;
  const { credential } = event.sender ?? {};
  const hasEnded = credential !== undefined && work.options.endedCredentials?.has(credential) === true;
  if (!hasEnded) return applyOrPark(work, event);
  refuseUnread(work, event, CREDENTIAL_ENDED);
  return undefined;
}

/** Applies an event that no transport would deliver again. If it cannot be decided, it is parked like a refused one. */
function applyOrPark(work: Work, queued: QueuedEvent): Needs | undefined {
  const { options, round } = work;
  try {
    const taken = applyQueued(work, queued);
    return isNeeds(taken) ? taken : undefined;
  } catch (error) {
    const why = toFault(error);
    const outcome = parkOrGiveUp(options, round, { queued, decision: why, masked: "all" });
    if (outcome === "parked-again" || outcome === "redeliver") return undefined;
    followOwn(round, queued, { ...why, outcome });
    const entry = toUnreadEntry(queued, { ...why, outcome, at: round.now });
    recordEvent(options, round, { entry, sender: queued.sender });
    if (outcome !== "parked") unpark(round, queued);
    return undefined;
  }
}

function toFault(error: unknown): { readonly code: string; readonly reason: string } {
  return { code: "INTERNAL", reason: `The event could not be decided: ${toErrorText(error)}` };
}

/**
 * Moves a stack that follows its machine to a new revision, where something of it waits for that: an event of the engine that no
 * state has handled, or the move itself. Other stacks move with their next event. Notes whether the stack's revision is lost.
 */
function moveRevised(work: Work): Needs | undefined {
  const { options, round } = work;
  const { stack, now: at } = round;
  if (stack === undefined) return undefined;
  const { id: stackId, machine: name } = stack;
  const asked: StackEvent = { id: "revised", stackId, name: SYSTEM_EVENTS.retryPendingTasks, at, origin: "engine" };
  const found = requireMachine(options, { name, stack, event: asked });
  if (isNeeds(found)) return found;
  if ("error" in found) return undefined;
  round.stack = withLost(stack, findLost(found, { name, stack, event: asked }));
  if (found.kind === "missing" || found.machine.hash === stack.machineHash) return undefined;
  if (stack.pending === undefined && stack.heldBack === undefined) return undefined;
  const { machine } = found;
  const id = `revised:${machine.hash.slice(0, 12)}:${stack.entry}:${at}`;
  const event: StackEvent = { ...asked, id, name: SYSTEM_EVENTS.upgradeStack };
  const decided = decideWithLeft(options, { machine, stack, event });
  if (isNeeds(decided)) return decided;
  const decision = pickRandom(decided, options.random);
  if (effectOf(decision) === undefined) return undefined;
  work.revisions.add(machine.hash);
  const message = { event: event.name, stackId };
  const queued: QueuedEvent = { id, stackId, origin: "worker", receivedAt: at, message };
  const taken = takeDecided(work, { queued, event, noted: { decision, notes: [], machine } });
  return isNeeds(taken) ? taken : undefined;
}

/** Fires due timers. States whose instants have passed may lead to each other by timers: the next change continues. */
function fireTimers(work: Work): Needs | undefined {
  const { round, options } = work;
  for (let fired = 0; fired < options.limits.entriesPerEvent; fired += 1) {
    const { stack } = round;
    const [timer] = dueTimers(stack, round.now);
    if (stack === undefined || timer === undefined) return undefined;
    const needs = applyOrPark(work, toTimerEvent(stack, timer, round.now));
    if (needs !== undefined) return needs;
  }
  return undefined;
}

function fireNamedTimer(work: Work, timerId: string): Needs | undefined {
  const { stack, now } = work.round;
  const timer = stack?.timers.find(({ id }) => id === timerId);
  return stack === undefined || timer === undefined ? undefined : applyOrPark(work, toTimerEvent(stack, timer, now));
}

/** The event that others follow from, by the key that distinguishes its origin, and how many have followed. */
interface RaisedChain {
  readonly root: string;
  steps: number;
}

/** Returns the id of an event that is raised: its step in the chain, and the key of the event at its beginning. */
function toRaisedId({ steps, root }: RaisedChain): string {
  return `raise:${steps}:${root}`;
}

/** Returns the step that the id of a raised event has, from 1: one that is applied late counts on from there. */
export function stepOfRaised(id: string): number {
  return Number(/^raise:(\d+):/.exec(id)?.[1] ?? 1);
}

/**
 * Decides the events that an event has raised, on the same revision. Returns true when parked events must be decided
 * again: when the event itself (`changed`) or one of them has changed something.
 */
function applyRaised(
  work: Work,
  {
    cause,
    noted: { decision, machine },
    changed: hasChanged,
    chain: begun,
  }: {
    readonly cause: StackEvent;
    readonly noted: NotedDecision;
    readonly changed: boolean;
    readonly chain: RaisedChain | undefined;
  },
): boolean | Needs {
  const effect = effectOf(decision);
  if (effect === undefined || machine === undefined) return hasChanged;
  // One that was parked counts on, so that events that raise each other come to an end.
  const chain = begun ?? { root: toEventKey(cause), steps: cause.raised?.step ?? 0 };
  let changed = hasChanged;
  for (const name of effect.raised ?? []) {
    chain.steps += 1;
    const { id: eventId, stackId, at } = cause;
    const id = toRaisedId(chain);
    const raised = { eventId, step: chain.steps };
    const event: StackEvent = { id, stackId, name, at, origin: "engine", raised };
    const message = { event: name, stackId };
    const queued: QueuedEvent = { id, stackId, origin: "worker", raised, receivedAt: at, message };
    const decision = decideWithLeft(work.options, { machine, stack: work.round.stack, event });
    if (isNeeds(decision)) return decision;
    const own = pickRandom(decision, work.options.random);
    const taken = takeDecided(work, { queued, event, noted: { decision: own, notes: [], machine }, chain });
    if (isNeeds(taken)) return taken;
    changed ||= taken.hasChanged;
  }
  return changed;
}

function applyDeadline(work: Work, input: Extract<StackInput, { kind: "deadline" }>): Needs | undefined {
  const { options, round } = work;
  const needs = applyOrPark(work, toDeadlineEvent(input, round.now));
  const { attemptId, why } = input;
  if (why === "cancel") round.endedAttempts.push(attemptId);
  else if (!round.cancels.some((cancel) => cancel.attemptId === attemptId)) {
    const unclaimedAtOnce = options.everyRunnerClaims;
    round.cancels.push({ attemptId, withinMs: ORPHAN_CANCEL_MS, why: "timed-out", unclaimedAtOnce });
  }
  return needs;
}
