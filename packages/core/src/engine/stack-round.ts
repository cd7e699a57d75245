import { decide, decideWithoutMachine, machineNameFor } from "../machine/decide.ts";
import type { Decision, Rejected } from "../machine/decision.ts";
import type { StackEvent } from "../machine/event.ts";
import { isParked } from "../machine/parked-code.ts";
import { parseEventMessage } from "../machine/parse-event-message.ts";
import type { Stack, StackTimer } from "../machine/stack.ts";
import { dueTimers } from "../machine/timers.ts";
import type { DecideLimits } from "../machine/work.ts";
import type { Ids } from "../ports/clock.ts";
import type { Outcome, ParkedEvent, QueuedEvent } from "../ports/stack-store.ts";
import { toHistoryEntry } from "./history-line.ts";
import type { FoundMachine, MachineFinder } from "./machine-finder.ts";
import { nextTryAt, type ParkingOptions, parkAgain } from "./parking.ts";
import { park, type Round, takeDecision, unpark } from "./round.ts";
import { type StackInput, toDeadlineEvent } from "./stack-input.ts";

/** What a round works with. */
export interface RoundDeps {
  readonly finder: MachineFinder;
  readonly ids: Ids;
  readonly limits: DecideLimits;
  readonly parking: ParkingOptions;
  readonly refusedEvents: "park" | "redeliver" | "drop";
  readonly allowExternalNext: boolean;
  readonly unclaimedAtOnce: boolean;
  /** A delivery that failed so often is set aside. */
  readonly maxDeliveries: number;
}

/** The time that an attempt has to end after its deadline when no stack is left to say so. */
const ORPHAN_CANCEL_MS = 300_000;

/** Works one input into the round. Gives ids of deliveries that the transport shall deliver again. */
export async function workInput(deps: RoundDeps, round: Round, input: StackInput): Promise<"done" | "redeliver"> {
  switch (input.kind) {
    case "delivery":
      return workDelivery(deps, round, input.delivery.event, input.delivery.storeReceipt);
    case "timers":
      await workTimers(deps, round);
      return "done";
    case "parked":
      await retryParked(deps, round, (parked) => parked.nextTryAt <= round.now);
      return "done";
    case "deadline":
      await workDeadline(deps, round, input);
      return "done";
  }
}

async function workDelivery(
  deps: RoundDeps,
  round: Round,
  queued: QueuedEvent,
  receipt: string | undefined,
): Promise<"done" | "redeliver"> {
  const result = await workQueued(deps, round, queued);
  if (result === "redeliver") return result;
  if (receipt !== undefined) round.acknowledges.push(receipt);
  return "done";
}

/** An event out of a queue, or one that was parked. */
async function workQueued(deps: RoundDeps, round: Round, queued: QueuedEvent): Promise<"done" | "redeliver"> {
  const parsed = parseEventMessage(queued.message, {
    messageId: queued.id,
    at: round.now,
    origin: queued.origin,
    allowExternalNext: deps.allowExternalNext,
    ...(queued.actor === undefined ? {} : { actor: queued.actor }),
  });
  if (parsed.kind === "invalid") {
    if (deps.refusedEvents === "redeliver") return "redeliver";
    setAside(deps, round, queued, parsed);
    return "done";
  }
  // The queue's id counts: the body's own may have been cut or made by the receiver.
  const event: StackEvent = { ...parsed.event, id: queued.id };
  const before = round.stack;
  const { decision, notes } = await decideOn(deps, round, event);
  const changed = takeDecision(round, event, decision, deps.unclaimedAtOnce);
  const outcome = decision.kind === "rejected" ? refuse(deps, round, { event, queued, decision }) : toOutcome(decision);
  if (outcome === "redeliver") return outcome;
  if (outcome !== "parked-again") round.history.push(toHistoryEntry({ event, decision, outcome, before, notes }));
  if (outcome !== "parked" && outcome !== "parked-again") unpark(round, event.id);
  if (changed) await retryParked(deps, round, () => true);
  return "done";
}

async function decideOn(
  deps: RoundDeps,
  round: Round,
  event: StackEvent,
): Promise<{ readonly decision: Decision; readonly notes: readonly string[] }> {
  if (round.appliedIds.has(event.id) || round.knownIds.has(event.id)) {
    return {
      decision: { kind: "ignored", code: "DUPLICATE", reason: `Event ${event.id} was applied before.` },
      notes: [],
    };
  }
  const early = decideWithoutMachine(round.stack, event);
  const name = machineNameFor(round.stack, event);
  if (early !== undefined || name === undefined) return { decision: early ?? unknownStack(event), notes: [] };
  const found = await deps.finder.find(name, round.stack, event);
  if (found.kind === "missing") return { decision: toRejected(found), notes: [] };
  const decision = decide(found.machine, round.stack, event, deps.limits);
  if (decision.kind === "applied" && !decision.removed) await deps.finder.keep(found.machine.hash);
  return { decision, notes: found.notes };
}

function unknownStack(event: StackEvent): Decision {
  return { kind: "ignored", code: "STACK_UNKNOWN", reason: `There is no stack "${event.stackId}".` };
}

function toRejected(found: Extract<FoundMachine, { kind: "missing" }>): Rejected {
  return { kind: "rejected", code: found.code, reason: found.reason };
}

function toOutcome(decision: Exclude<Decision, Rejected>): Outcome {
  if (decision.kind === "ignored") return "ignored";
  return decision.removed ? "removed" : "applied";
}

interface Refusal {
  readonly event: StackEvent;
  readonly queued: QueuedEvent;
  readonly decision: Rejected;
}

/** Parks, sets aside or only records, as the code and the options say. */
function refuse(deps: RoundDeps, round: Round, refusal: Refusal): Outcome | "redeliver" | "parked-again" {
  const { event, queued, decision } = refusal;
  if (isParked(event, decision.code)) return parkOrGiveUp(deps, round, refusal);
  if (ANSWERED.has(decision.code) || event.origin === "timer" || isOperators(event)) return "refused";
  if (deps.refusedEvents === "redeliver" && queued.origin === "external") return "redeliver";
  setAside(deps, round, queued, decision, false);
  return "set-aside";
}

const ANSWERED: ReadonlySet<string> = new Set([
  "TASK_NOT_CURRENT",
  "TASK_NOT_RUNNING",
  "UPGRADE_STATE_MISSING",
  "UPGRADE_TASK_UNKNOWN",
]);

const OPERATORS = /^(RETRY_FAILED_TASKS|RETRY_PENDING_TASKS|CANCEL_TASK|SETTLE_TASK|REMOVE_STACK|UPGRADE_STACK)$/;

function isOperators(event: StackEvent): boolean {
  return OPERATORS.test(event.name);
}

function parkOrGiveUp(deps: RoundDeps, round: Round, refusal: Refusal): Outcome | "redeliver" | "parked-again" {
  const { queued, decision } = refusal;
  const before = round.parked.get(queued.id);
  if (before === undefined && deps.refusedEvents === "redeliver") return "redeliver";
  if (before === undefined && deps.refusedEvents === "drop") return "refused";
  const input = { event: queued, before, code: decision.code, reason: decision.reason, now: round.now };
  const { kind, parked } = parkAgain(input, deps.parking);
  if (kind === "give-up") {
    setAside(deps, round, queued, decision, false);
    return "set-aside";
  }
  park(round, parked);
  return before === undefined ? "parked" : "parked-again";
}

/** Gives an event up for good; its reason stays with it until somebody sends it again. */
export function setAside(
  deps: Pick<RoundDeps, "ids">,
  round: Round,
  event: QueuedEvent,
  why: { readonly code: string; readonly reason: string },
  record = true,
): void {
  round.setAside.push({ id: deps.ids.next(), event, code: why.code, reason: why.reason, setAsideAt: round.now });
  if (!record) return;
  const name = event.message["event"] ?? event.message["action"];
  round.history.push({
    stackId: event.stackId,
    at: round.now,
    eventId: event.id,
    event: typeof name === "string" ? name : "",
    outcome: "set-aside",
    code: why.code,
    reason: why.reason,
    sent: [],
    notes: [],
  });
}

/** Decides parked events again, oldest first; from the beginning after each one that changed the stack. */
async function retryParked(deps: RoundDeps, round: Round, isDue: (parked: ParkedEvent) => boolean): Promise<void> {
  for (const parked of [...round.parked.values()].sort((a, b) => a.parkedAt - b.parkedAt)) {
    // A retry that changes the stack tries the others itself.
    if (round.parked.get(parked.event.id) === parked && isDue(parked)) await workQueued(deps, round, parked.event);
  }
}

async function workTimers(deps: RoundDeps, round: Round): Promise<void> {
  for (let stack = round.stack; stack !== undefined; stack = round.stack) {
    const timer = dueTimers(stack, round.now)[0];
    if (timer === undefined) return;
    await fireTimer(deps, round, stack, timer);
  }
}

async function fireTimer(deps: RoundDeps, round: Round, before: Stack, timer: StackTimer): Promise<void> {
  const event: StackEvent = {
    id: `timer:${before.life}:${timer.id}`,
    stackId: before.id,
    name: timer.event,
    at: round.now,
    origin: "timer",
    timerId: timer.id,
  };
  const { decision, notes } = await decideOn(deps, round, event);
  if (decision.kind === "rejected" && isParked(event, decision.code)) {
    // The machine is at fault, not the timer: it waits as a parked event would.
    round.stack = postponeTimer(before, timer.id, nextTryAt(timer.dueAt, round.now));
    return;
  }
  const changed = takeDecision(round, event, decision, deps.unclaimedAtOnce);
  const outcome = decision.kind === "rejected" ? "refused" : toOutcome(decision);
  round.history.push(toHistoryEntry({ event, decision, outcome, before, notes }));
  if (changed) await retryParked(deps, round, () => true);
}

function postponeTimer(stack: Stack, timerId: string, dueAt: number): Stack {
  return { ...stack, timers: stack.timers.map((timer) => (timer.id === timerId ? { ...timer, dueAt } : timer)) };
}

async function workDeadline(
  deps: RoundDeps,
  round: Round,
  input: Extract<StackInput, { kind: "deadline" }>,
): Promise<void> {
  await workQueued(deps, round, toDeadlineEvent(input, round.now));
  const { attemptId, why } = input;
  if (why === "cancel") round.closes.push(attemptId);
  else if (!round.cancels.some((cancel) => cancel.attemptId === attemptId)) {
    round.cancels.push({
      attemptId,
      withinMs: ORPHAN_CANCEL_MS,
      why: "timed-out",
      unclaimedAtOnce: deps.unclaimedAtOnce,
    });
  }
}
