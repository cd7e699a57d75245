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
import type { Change, LoadedStack, Outcome, ParkedEvent, QueuedEvent } from "../ports/stack-store.ts";
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
import { parseQueued, type ReadOptions } from "./parse-queued.ts";
import { pickRandom } from "./pick-random.ts";
import { deadLetters, isRedelivered, parkOrGiveUp, type RefusalOutcome, type RefuseDeps, refuse } from "./refuse.ts";
import { findReleaseFault } from "./release-event.ts";
import { beginRound, type Round, recordEvent, takeDecision, toChange, unpark } from "./round.ts";
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
}

/** Returns the machine that an event is decided on; undefined if the caller must look it up first. */
type MachineLookup = (wanted: WantedMachine) => FoundMachine | { readonly error: unknown } | undefined;

/** The result of `applyInputs`, or the machine that must be looked up first. */
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
  /** Look this machine up, and apply the inputs again: nothing was changed. */
  | { readonly kind: "needs-machine"; readonly wanted: WantedMachine };

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
  const round = beginRound(aggregate, options.now, options.knownIds);
  const work: Work = { options, round, revisions: new Set(), decided: [] };
  const outcomes: DeliveryOutcome[] = [];
  const faults = new Map<number, unknown>();
  for (const [place, input] of inputs.entries()) {
    try {
      outcomes.push(applyInput(work, input) === "done" ? DONE : REFUSED);
    } catch (error) {
      if (error instanceof MachineWanted) return { kind: "needs-machine", wanted: error.wanted };
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

/**
 * Thrown to leave `applyInputs`, past all code that turns errors into faults of events. Not an `Error`: most units of
 * work begin with one, and recording the call stack would cost more than the decision.
 */
class MachineWanted {
  readonly wanted: WantedMachine;

  constructor(wanted: WantedMachine) {
    this.wanted = wanted;
  }
}

/** Throws only before it has changed anything. Returns `redeliver` if the transport must deliver the event again. */
function applyInput(work: Work, input: StackInput): "done" | "redeliver" {
  const { round } = work;
  switch (input.kind) {
    case "delivery":
      return applyDelivery(work, input.delivery.event, input.delivery.storeReceipt);
    case "result":
      return applyResult(work, input);
    case "timers":
      if (input.timerId === undefined) fireTimers(work);
      else fireNamedTimer(work, input.timerId);
      return "done";
    case "parked":
      retryParked(work, ({ nextTryAt }) => nextTryAt <= round.now);
      return "done";
    case "revised":
      retryParked(work, () => true);
      if (round.stack !== undefined) round.stack = resumeTimers(round.stack);
      fireTimers(work);
      return "done";
    case "deadline":
      applyDeadline(work, input);
      return "done";
  }
}

function applyDelivery(work: Work, queued: QueuedEvent, receipt: string | undefined): "done" | "redeliver" {
  const result = applyQueued(work, queued);
  if (result === "redeliver") return result;
  if (receipt !== undefined) work.round.receipts.push(receipt);
  return "done";
}

/** Applies the result of an attempt that ends with this change. It cannot arrive again, so its id is not stored. */
function applyResult(work: Work, { event, result }: Extract<StackInput, { kind: "result" }>): "done" {
  applyQueued(work, event);
  work.round.appliedIds.delete(toEventKey(event));
  work.round.results.push(result);
  return "done";
}

/** Applies an event from a queue, or one that was parked. */
function applyQueued(work: Work, queued: QueuedEvent): "done" | "redeliver" {
  const parsed = parseQueued(work.options, work.round, queued);
  if (parsed.kind === "invalid") return refuseUnread(work, queued, parsed);
  const former = findFormer(work.round, queued);
  if (former !== undefined) return refuseUnread(work, queued, former);
  return takeEvent(work, queued, parsed.event, decideOn(work, parsed.event));
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

function takeEvent(work: Work, queued: QueuedEvent, event: StackEvent, noted: NotedDecision): "done" | "redeliver" {
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
  beginIncarnation(options, round, { before, begun: queued });
  if (outcome !== "parked" && outcome !== "parked-again") unpark(round, event);
  endIncarnation(options, round, before);
  const follows = applyRaised(work, event, noted);
  if (changed || follows) retryAfter(work, machine);
  return became === "redeliver" ? "redeliver" : "done";
}

/** Returns the action of an event in the audit log, where its name does not say what it does. */
function toAction({ name, approval }: StackEvent): string | undefined {
  return name === SYSTEM_EVENTS.settleTask && approval ? "SETTLE_APPROVAL" : undefined;
}

function toOutcome(decision: Exclude<Decision, Rejected>): Outcome {
  if (decision.kind === "ignored") return "ignored";
  return decision.removed ? "removed" : "applied";
}

/** Decides parked events again after a change, without those that the stack's state does not handle either. */
function retryAfter(work: Work, machine: Machine | undefined): void {
  const { round } = work;
  retryParked(work, (parked) => !isSurelyRefused(parked, round.stack, machine));
}

/**
 * Returns true when an event is refused again whatever else has changed. Only a pinned stack is decided on the same
 * revision the next time.
 */
function isSurelyRefused(
  { event, code }: ParkedEvent,
  stack: Stack | undefined,
  machine: Machine | undefined,
): boolean {
  if (code !== "EVENT_NOT_HANDLED" || machine?.revision !== "pin" || stack?.machineHash !== machine.hash) return false;
  const { event: name } = event.message;
  return typeof name === "string" && machine.events.has(name) && !machine.states.get(stack.state)?.on.has(name);
}

/** Decides parked events again, oldest first; from the beginning after each one that changed the stack. */
function retryParked(work: Work, isDue: (parked: ParkedEvent) => boolean): void {
  const { parked } = work.round;
  for (const each of [...parked.values()].sort(byAge)) {
    // A retry that changes the stack tries the others itself.
    if (parked.get(toEventKey(each.event)) === each && isDue(each)) applyOrPark(work, each.event);
  }
}

function byAge(a: ParkedEvent, b: ParkedEvent): number {
  return a.parkedAt - b.parkedAt || (a.order ?? 0) - (b.order ?? 0);
}

/** Applies an event that no transport would deliver again. If it cannot be decided, it is parked like a refused one. */
function applyOrPark(work: Work, queued: QueuedEvent): void {
  const { options, round } = work;
  const { credential } = queued.sender ?? {};
  if (credential !== undefined && options.endedCredentials?.has(credential)) {
    refuseUnread(work, queued, CREDENTIAL_ENDED);
    return;
  }
  try {
    applyQueued(work, queued);
  } catch (error) {
    const why = toFault(error);
    const outcome = parkOrGiveUp(options, round, { queued, decision: why, masked: "all" });
    if (outcome === "parked-again" || outcome === "redeliver") return;
    const entry = toUnreadEntry(queued, { ...why, outcome, at: round.now });
    recordEvent(options, round, { entry, sender: queued.sender });
    if (outcome !== "parked") unpark(round, queued);
  }
}

function toFault(error: unknown): { readonly code: string; readonly reason: string } {
  if (error instanceof MachineWanted) throw error;
  return { code: "INTERNAL", reason: `The event could not be decided: ${toErrorText(error)}` };
}

/** Fires due timers. States whose instants have passed may lead to each other by timers: the next change continues. */
function fireTimers(work: Work): void {
  const { round, options } = work;
  for (let fired = 0; fired < options.limits.entriesPerEvent; fired += 1) {
    const { stack } = round;
    const [timer] = stack === undefined ? [] : dueTimers(stack, round.now);
    if (stack === undefined || timer === undefined) return;
    fireTimer(work, stack, timer);
  }
}

function fireNamedTimer(work: Work, timerId: string): void {
  const { stack } = work.round;
  const timer = stack?.timers.find(({ id }) => id === timerId);
  if (stack !== undefined && timer !== undefined) fireTimer(work, stack, timer);
}

/** Fires a due timer. Afterwards it is not due, whatever the decision. */
function fireTimer(work: Work, stack: Stack, timer: StackTimer): void {
  const { options, round } = work;
  const event = toTimerEvent(stack, timer, round.now);
  const answer = decideTimer(work, event);
  if (!("fault" in answer)) {
    takeTimer(work, event, answer);
    return;
  }
  // The machine is at fault, not the timer: the timer is postponed like a parked event.
  const postponed = postponeTimer(stack, timer, { now: round.now, keepMs: options.parking.keepMs });
  round.stack = postponed ?? spendTimer(stack, timer.id, round.now);
  if (postponed !== undefined) return;
  const queued = toQueuedTimer(event);
  round.history.push(toUnreadEntry(queued, { ...answer.fault, outcome: "dead-lettered", at: round.now }));
  deadLetters(options, round, queued, answer.fault);
}

type TimerAnswer = NotedDecision | { readonly fault: { readonly code: string; readonly reason: string } };

function decideTimer(work: Work, event: StackEvent): TimerAnswer {
  try {
    const noted = decideOn(work, event);
    const { decision } = noted;
    return decision.kind === "rejected" && isParked(event, decision.code) ? { fault: decision } : noted;
  } catch (error) {
    return { fault: toFault(error) };
  }
}

function takeTimer(work: Work, event: StackEvent, noted: NotedDecision): void {
  if (takeOwn(work, event, noted)) retryAfter(work, noted.machine);
}

/** Takes the decision about a timer's or a raised event. Returns true when parked events must be decided again. */
function takeOwn(work: Work, event: StackEvent, noted: NotedDecision, chain?: RaisedChain): boolean {
  const { options, round } = work;
  const { decision, notes, machine } = noted;
  const before = round.stack;
  const changed = takeDecision(round, event, decision, options);
  followCourse(round, { event, decision, before, machine });
  endIncarnation(options, round, before);
  // A timer whose event is ignored does not stay due, and one that the stack's revision does not have does not repeat.
  if (decision.kind === "ignored" && event.timerId !== undefined && round.stack !== undefined) {
    round.stack = dropTimer(round.stack, event.timerId);
  }
  const outcome = decision.kind === "rejected" ? "refused" : toOutcome(decision);
  work.decided.push({ event, decision, outcome, isBegin: false, stack: round.stack });
  round.history.push(toHistoryEntry({ event, decision, outcome, before, notes, machine }));
  return applyRaised(work, event, noted, chain) || changed;
}

/** The event that others follow from, by the key that distinguishes its origin, and how many have followed. */
interface RaisedChain {
  readonly root: string;
  steps: number;
}

/**
 * Decides the events that an event has raised, on the same revision. Returns true when parked events must be decided
 * again.
 */
function applyRaised(
  work: Work,
  cause: StackEvent,
  { decision, machine }: NotedDecision,
  begun?: RaisedChain,
): boolean {
  if (decision.kind !== "applied" || machine === undefined) return false;
  const chain = begun ?? { root: toEventKey(cause), steps: 0 };
  let changed = false;
  for (const name of decision.raised ?? []) {
    chain.steps += 1;
    const { id: eventId, stackId, at } = cause;
    const raised = { eventId, step: chain.steps };
    const event: StackEvent = { id: `raise:${chain.steps}:${chain.root}`, stackId, name, at, origin: "engine", raised };
    const own = pickRandom(decide(machine, work.round.stack, event, work.options.limits), work.options.random);
    changed = takeOwn(work, event, { decision: own, notes: [], machine }, chain) || changed;
  }
  return changed;
}

function applyDeadline(work: Work, input: Extract<StackInput, { kind: "deadline" }>): void {
  const { options, round } = work;
  applyOrPark(work, toDeadlineEvent(input, round.now));
  const { attemptId, why } = input;
  if (why === "cancel") round.endedAttempts.push(attemptId);
  else if (!round.cancels.some((cancel) => cancel.attemptId === attemptId)) {
    const unclaimedAtOnce = options.everyRunnerClaims;
    round.cancels.push({ attemptId, withinMs: ORPHAN_CANCEL_MS, why: "timed-out", unclaimedAtOnce });
  }
}

/** A decision, and notes about the machine that it was made on. */
interface NotedDecision {
  readonly decision: Decision;
  readonly notes: readonly string[];
  /** Undefined when no machine was needed or found. */
  readonly machine?: Machine;
}

function decideOn(work: Work, event: StackEvent): NotedDecision {
  const { options, round } = work;
  const key = toEventKey(event);
  if (round.appliedIds.has(key) || round.knownIds.has(key)) {
    const reason = `Event ${event.id} was applied before.`;
    return { decision: { kind: "ignored", code: "DUPLICATE", reason }, notes: [] };
  }
  const noted = decideOnStack(options, round, event);
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
): NotedDecision {
  const { stack } = round;
  const name = machineNameFor(stack, event);
  const refused = findReleaseFault(round, event) ?? findInternal(event, name);
  if (refused !== undefined) return { decision: refused, notes: [] };
  const early = decideWithoutMachine(stack, event);
  if (early !== undefined) return { decision: early, notes: [] };
  if (name === undefined) return { decision: toUnknownStack(event), notes: [] };
  const wanted = { name, stack, event };
  const found = machines(wanted);
  if (found === undefined) throw new MachineWanted(wanted);
  if ("error" in found) throw found.error;
  if (found.kind === "missing") return { decision: { ...found, kind: "rejected" }, notes: [] };
  const { machine, notes } = found;
  return { decision: toBackward(decide(machine, stack, event, limits), found), notes, machine };
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
