import { decideEvent } from "../access/decide-event.ts";
import { isPassing, toErrorText } from "../errors/stackyard-error.ts";
import { decide, decideWithoutMachine, machineNameFor } from "../machine/decide/decide.ts";
import { type Decision, isParked, type Rejected } from "../machine/decide/decision.ts";
import { dropTimer, dueTimers, spendTimer } from "../machine/decide/timers.ts";
import type { DecideLimits } from "../machine/decide/work.ts";
import { isSent, type ParsedEvent, type StackEvent, SYSTEM_EVENTS, toEventKey } from "../machine/event-message.ts";
import type { Machine } from "../machine/machine.ts";
import type { Stack, StackTimer } from "../machine/stack.ts";
import type { Random } from "../ports/clock.ts";
import type { Change, LoadedStack, Outcome, ParkedEvent, ParkedHead, QueuedEvent } from "../ports/stack-store.ts";
import type { DeliveryOutcome } from "../ports/transport.ts";
import { markOf } from "./event-order.ts";
import { giveUp } from "./give-up.ts";
import { findRefusedKeys, toHistoryEntry, toUnreadEntry } from "./history-line.ts";
import {
  beginIncarnation,
  endIncarnation,
  findFormer,
  findRepeat,
  followCourse,
  giveUpOutlived,
} from "./incarnation.ts";
import { compareAge, isNeeds, isSurelyRefused, type Needs, requireParked } from "./parked-tries.ts";
import { parseQueued, type ReadOptions } from "./parse-queued.ts";
import { pickRandom } from "./pick-random.ts";
import { deadLetters, isRedelivered, parkOrGiveUp, type RefusalOutcome, type RefuseDeps, refuse } from "./refuse.ts";
import { findReleaseFault } from "./release-event.ts";
import { beginRound, hasNoParked, type Round, recordEvent, takeDecision, toChange, unpark } from "./round.ts";
import { type FoundMachine, type StackInput, toDeadlineEvent, type WantedMachine } from "./stack-input.ts";
import { postponeTimer, resumeTimers, toQueuedTimer, toTimerEvent } from "./timer-event.ts";

/** Options of `applyInputs`, in addition to the aggregate and the inputs. */
export interface ApplyOptions extends RefuseDeps, ReadOptions {
  readonly now: number;
  readonly machines: MachineLookup;
  readonly limits: DecideLimits;
  /** Draws the instants that `decide` leaves to chance. Undefined: timers keep their latest instants and `jitterMs`. */
  readonly random: Random | undefined;
  /** False if a runner may work by message only. Then an attempt that is not claimed may be running. */
  readonly everyRunnerClaims: boolean;
  /**
   * True in a replay: the history says which events were not kept because they repeat another, and its events have no
   * sensitive values to compare.
   */
  readonly keepsRepeats?: true;
  /** The number of failed deliveries after which an event is dead-lettered. */
  readonly maxDeliveries: number;
  /** Keys of events that the store has reported as applied before. */
  readonly knownIds: ReadonlySet<string>;
  /** Credentials of senders of parked events that have ended: see `hasEnded`. Default: none. */
  readonly endedCredentials?: ReadonlySet<string> | undefined;
  /** The stack's parked events that are loaded, by their keys. Default: none. */
  readonly parkedEvents?: ReadonlyMap<string, ParkedEvent>;
}

/** Returns the machine that an event is decided on; undefined if the caller must look it up first. */
type MachineLookup = (wanted: WantedMachine) => FoundMachine | { readonly error: unknown } | undefined;

/** The result of `applyInputs`, or what must be loaded first. */
export type AppliedInputs =
  | {
      readonly kind: "applied";
      readonly change: Change;
      /** In the order of the inputs. */
      readonly outcomes: readonly DeliveryOutcome[];
      /** Hashes of the revisions that must be kept before the change is committed. */
      readonly revisions: ReadonlySet<string>;
      /** Every decision, in order. */
      readonly decided: readonly DecidedEvent[];
      /** Errors of inputs that could not be decided, by the input's index. */
      readonly faults: ReadonlyMap<number, unknown>;
    }
  /** Load this, and apply the inputs again: nothing was changed. */
  | Needs;

/** One event with its decision. A parked event is decided several times. */
export interface DecidedEvent {
  readonly event: StackEvent;
  readonly decision: Decision;
  readonly outcome: Exclude<RefusalOutcome, "redeliver">;
  /** No stack existed before. */
  readonly isBegin: boolean;
  /** After it. */
  readonly stack: Stack | undefined;
}

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
  const work: Work = { options, round, revisions: new Set(), decided: [] };
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

interface Work {
  readonly options: ApplyOptions;
  readonly round: Round;
  readonly revisions: Set<string>;
  readonly decided: DecidedEvent[];
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
      return retryParked(work, () => true) ?? resume(work) ?? "done";
    case "deadline":
      return applyDeadline(work, input) ?? "done";
  }
}

function resume(work: Work): Needs | undefined {
  const { round } = work;
  if (round.stack !== undefined) round.stack = resumeTimers(round.stack);
  return fireTimers(work);
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
  const redeliver = isRedelivered(options, round, queued);
  const isKept = !redeliver && queued.origin !== "stack";
  const entry = toUnreadEntry(queued, { ...why, outcome: isKept ? "dead-lettered" : "refused", at: round.now });
  if (redeliver) {
    round.history.push(entry);
    return "redeliver";
  }
  recordEvent(options, round, { entry, sender: queued.sender });
  if (!isKept) return "done";
  deadLetters(options, round, queued, { ...why, masked: "all" });
  unpark(round, queued);
  return "done";
}

function takeEvent(work: Work, queued: QueuedEvent, event: StackEvent, noted: NotedDecision): Taken {
  const { options, round } = work;
  const { decision, notes, machine } = noted;
  const before = round.stack;
  if (giveUpOutlived(options, round, { queued, decision, before })) return "done";
  const changed = takeDecision(round, event, decision, options);
  followCourse(round, { event, decision, before, machine });
  const masked = findRefusedKeys(event, { machine, stack: before });
  const became =
    decision.kind === "rejected"
      ? refuse(options, round, { event, queued, decision, masked, mark: markOf(event) })
      : toOutcome(decision);
  const outcome = became === "redeliver" ? "refused" : became;
  work.decided.push({ event, decision, outcome, isBegin: before === undefined, stack: round.stack });
  if (outcome !== "parked-again") {
    const entry = toHistoryEntry({ event, decision, outcome, before, notes, machine });
    if (became === "redeliver") round.history.push(entry);
    else recordEvent(options, round, { entry, sender: event.sender, machine, action: toAction(event) });
  }
  const needs = beginIncarnation(options, round, { before, begun: queued });
  if (needs !== undefined) return needs;
  if (outcome !== "parked" && outcome !== "parked-again") unpark(round, event);
  const result = became === "redeliver" ? "redeliver" : "done";
  return endIncarnation(options, round, before) ?? retryAfter(work, applyRaised(work, event, noted, changed)) ?? result;
}

/** Returns the action of an event in the audit log, where its name does not say what it does. */
function toAction({ name, approval }: StackEvent): string | undefined {
  return name === SYSTEM_EVENTS.settleTask && approval ? "SETTLE_APPROVAL" : undefined;
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
    const entry = toUnreadEntry(queued, { ...why, outcome, at: round.now });
    recordEvent(options, round, { entry, sender: queued.sender });
    if (outcome !== "parked") unpark(round, queued);
    return undefined;
  }
}

function toFault(error: unknown): { readonly code: string; readonly reason: string } {
  return { code: "INTERNAL", reason: `The event could not be decided: ${toErrorText(error)}` };
}

/** Fires due timers. States whose instants have passed may lead to each other by timers: the next change continues. */
function fireTimers(work: Work): Needs | undefined {
  const { round, options } = work;
  for (let fired = 0; fired < options.limits.entriesPerEvent; fired += 1) {
    const { stack } = round;
    const [timer] = stack === undefined ? [] : dueTimers(stack, round.now);
    if (stack === undefined || timer === undefined) return undefined;
    const needs = fireTimer(work, stack, timer);
    if (needs !== undefined) return needs;
  }
  return undefined;
}

function fireNamedTimer(work: Work, timerId: string): Needs | undefined {
  const { stack } = work.round;
  const timer = stack?.timers.find(({ id }) => id === timerId);
  return stack === undefined || timer === undefined ? undefined : fireTimer(work, stack, timer);
}

/** Fires a due timer. Afterwards it is not due, whatever the decision. */
function fireTimer(work: Work, stack: Stack, timer: StackTimer): Needs | undefined {
  const { options, round } = work;
  const event = toTimerEvent(stack, timer, round.now);
  const answer = decideTimer(work, event);
  if (isNeeds(answer)) return answer;
  if (!("fault" in answer)) return retryAfter(work, takeOwn(work, event, answer));
  // The machine is at fault, not the timer: the timer is postponed like a parked event.
  const postponed = postponeTimer(stack, timer, { now: round.now, keepMs: options.parking.keepMs });
  round.stack = postponed ?? spendTimer(stack, timer.id, round.now);
  if (postponed !== undefined) return undefined;
  const queued = toQueuedTimer(event);
  round.history.push(toUnreadEntry(queued, { ...answer.fault, outcome: "dead-lettered", at: round.now }));
  deadLetters(options, round, queued, answer.fault);
  return undefined;
}

type TimerAnswer = NotedDecision | Needs | { readonly fault: { readonly code: string; readonly reason: string } };

function decideTimer(work: Work, event: StackEvent): TimerAnswer {
  try {
    const noted = decideOn(work, event);
    if (isNeeds(noted)) return noted;
    const { decision } = noted;
    return decision.kind === "rejected" && isParked(event, decision.code) ? { fault: decision } : noted;
  } catch (error) {
    return { fault: toFault(error) };
  }
}

/** Takes the decision about a timer's or a raised event. Returns true when parked events must be decided again. */
function takeOwn(work: Work, event: StackEvent, noted: NotedDecision, chain?: RaisedChain): boolean | Needs {
  const { options, round } = work;
  const { decision, notes, machine } = noted;
  const before = round.stack;
  const changed = takeDecision(round, event, decision, options);
  followCourse(round, { event, decision, before, machine });
  const needs = endIncarnation(options, round, before);
  if (needs !== undefined) return needs;
  // A timer whose event is ignored does not stay due, and one that the stack's revision does not have does not repeat.
  if (decision.kind === "ignored" && event.timerId !== undefined && round.stack !== undefined) {
    round.stack = dropTimer(round.stack, event.timerId);
  }
  const outcome = decision.kind === "rejected" ? "refused" : toOutcome(decision);
  work.decided.push({ event, decision, outcome, isBegin: false, stack: round.stack });
  round.history.push(toHistoryEntry({ event, decision, outcome, before, notes, machine }));
  return applyRaised(work, event, noted, changed, chain);
}

/** The event that others follow from, by the key that distinguishes its origin, and how many have followed. */
interface RaisedChain {
  readonly root: string;
  steps: number;
}

/**
 * Decides the events that an event has raised, on the same revision. Returns true when parked events must be decided
 * again: when the event itself (`hasChanged`) or one of them has changed something.
 */
function applyRaised(
  work: Work,
  cause: StackEvent,
  { decision, machine }: NotedDecision,
  hasChanged: boolean,
  begun?: RaisedChain,
): boolean | Needs {
  if (decision.kind !== "applied" || machine === undefined) return hasChanged;
  const chain = begun ?? { root: toEventKey(cause), steps: 0 };
  let changed = hasChanged;
  for (const name of decision.raised ?? []) {
    chain.steps += 1;
    const { id: eventId, stackId, at } = cause;
    const raised = { eventId, step: chain.steps };
    const event: StackEvent = { id: `raise:${chain.steps}:${chain.root}`, stackId, name, at, origin: "engine", raised };
    const own = pickRandom(decide(machine, work.round.stack, event, work.options.limits), work.options.random);
    const taken = takeOwn(work, event, { decision: own, notes: [], machine }, chain);
    if (isNeeds(taken)) return taken;
    changed ||= taken;
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

/** A decision, and notes about the machine that it was made on. */
interface NotedDecision {
  readonly decision: Decision;
  readonly notes: readonly string[];
  /** Undefined when no machine was needed or found. */
  readonly machine?: Machine;
}

function decideOn(work: Work, event: StackEvent): NotedDecision | Needs {
  const { options, round } = work;
  const key = toEventKey(event);
  if (round.appliedIds.has(key) || round.knownIds.has(key)) {
    const reason = `Event ${event.id} was applied before.`;
    return { decision: { kind: "ignored", code: "DUPLICATE", reason }, notes: [] };
  }
  const noted = decideOnStack(options, round, event);
  if (isNeeds(noted)) return noted;
  const { decision, machine } = noted;
  if (decision.kind === "rejected" && decision.code === "EVENT_NOT_HANDLED") {
    // Only what would be parked is not kept: a queue that delivers refused events again does that with repeats too.
    const isKept = options.keepsRepeats === true || options.refusedEvents !== "park";
    return { ...noted, decision: (isKept ? undefined : findRepeat(round, event, machine)) ?? decision };
  }
  if (decision.kind !== "applied") return noted;
  if (!decision.removed && machine !== undefined) work.revisions.add(machine.hash);
  return { ...noted, decision: pickRandom(decision, options.random) };
}

function decideOnStack(
  { machines, limits }: Pick<ApplyOptions, "machines" | "limits">,
  round: Round,
  event: StackEvent,
): NotedDecision | Needs {
  const { stack } = round;
  const name = machineNameFor(stack, event);
  const refused = findReleaseFault(round, event) ?? findInternal(event, name);
  if (refused !== undefined) return { decision: refused, notes: [] };
  const early = decideWithoutMachine(stack, event);
  if (early !== undefined) return { decision: early, notes: [] };
  if (name === undefined) return { decision: toUnknownStack(event), notes: [] };
  const found = requireMachine({ machines }, { name, stack, event });
  if (isNeeds(found)) return found;
  if ("error" in found) throw found.error;
  if (found.kind === "missing") return { decision: { ...found, kind: "rejected" }, notes: [] };
  const { machine, notes } = found;
  return { decision: toBackward(decide(machine, stack, event, limits), found), notes, machine };
}

function requireMachine({ machines }: Pick<ApplyOptions, "machines">, wanted: WantedMachine) {
  return machines(wanted) ?? ({ kind: "needs", missing: { kind: "machine", wanted } } as const);
}

/** Refuses an event from outside that no sender may send, or none over that channel. Those that a replay decides again were allowed. */
function findInternal(event: StackEvent, machine: string | undefined): Rejected | undefined {
  if (!isSent(event) || event.isAllowed) return undefined;
  const answer = decideEvent({ ...event, machine, channel: event.sender?.channel });
  const isRefused = answer.kind === "internal" || answer.kind === "closed";
  return isRefused ? { kind: "rejected", code: "NOT_ALLOWED", reason: answer.reason } : undefined;
}

function toUnknownStack({ stackId }: StackEvent): Decision {
  return { kind: "ignored", code: "STACK_UNKNOWN", reason: `Unknown stack "${stackId}".` };
}

/**
 * Replaces `EVENT_UNDECLARED` if the newest revision may declare the event: the event is parked, or its reason names
 * the upgrade.
 */
function toBackward(decision: Decision, { undeclared }: Extract<FoundMachine, { kind: "found" }>): Decision {
  if (undeclared === undefined || decision.kind !== "rejected" || decision.code !== "EVENT_UNDECLARED") return decision;
  return { ...decision, ...undeclared };
}
