import type { Decision, Rejected } from "../machine/decide/decision.ts";
import { isParked } from "../machine/decide/parked-code.ts";
import { dueTimers, spendTimer } from "../machine/decide/timers.ts";
import { type StackEvent, toEventKey } from "../machine/message/event.ts";
import { parseEventMessage } from "../machine/message/parse-event-message.ts";
import type { Stack, StackTimer } from "../machine/stack.ts";
import type { Outcome, ParkedEvent, QueuedEvent } from "../ports/stack-store.ts";
import { type DecideOnDeps, decideOn, type NotedDecision } from "./decide-on.ts";
import { toErrorText } from "./error-text.ts";
import { toHistoryEntry, toUnreadEntry } from "./history-line.ts";
import { findRefusedKeys } from "./masked-keys.ts";
import { isRedelivered, parkOrGiveUp, type RefuseDeps, refuse, setAside } from "./refuse-event.ts";
import { type Round, takeDecision, unpark } from "./round.ts";
import { type StackInput, toDeadlineEvent } from "./stack-input.ts";
import { postponeTimer, resumeTimers, toQueuedTimer, toTimerEvent } from "./stack-timer.ts";

/** What a round works with. */
export interface RoundDeps extends DecideOnDeps, RefuseDeps {
  readonly allowExternalNext: boolean;
  readonly unclaimedAtOnce: boolean;
  /** A delivery that failed so often is set aside. */
  readonly maxDeliveries: number;
}

/** The time that an attempt has to end after its deadline when no stack is left to say so. */
const ORPHAN_CANCEL_MS = 300_000;

/** Works one input into the round; throws only before it has changed anything. Says whether the transport delivers it again. */
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
    case "revised":
      await retryParked(deps, round, () => true);
      if (round.stack !== undefined) round.stack = resumeTimers(round.stack);
      await workTimers(deps, round);
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
  const parsed = parseQueued(deps, round, queued);
  if (parsed.kind === "invalid") return refuseUnread(deps, round, queued, parsed);
  return takeEvent(deps, round, queued, parsed.event, await decideOn(deps, round, parsed.event));
}

type Unread = Extract<ReturnType<typeof parseEventMessage>, { kind: "invalid" }>;

function parseQueued(deps: RoundDeps, round: Round, queued: QueuedEvent): ReturnType<typeof parseEventMessage> {
  const parsed = parseEventMessage(queued.message, {
    // An attempt's id, and so the id of its result, may be longer than senders may make theirs.
    messageId: queued.origin === "worker" ? "worker" : queued.id,
    at: round.now,
    origin: queued.origin,
    allowExternalNext: deps.allowExternalNext,
    ...(queued.actor === undefined ? {} : { actor: queued.actor }),
  });
  if (parsed.kind === "invalid") return parsed;
  const { stackId } = parsed.event;
  if (stackId !== round.loaded.stackId) {
    const reason = `The message names the stack "${stackId}" and was queued for "${round.loaded.stackId}".`;
    return { kind: "invalid", code: "EVENT_INVALID", reason };
  }
  // The queue's id counts: the body's own may have been cut or made by the receiver.
  return { kind: "event", event: { ...parsed.event, id: queued.id } };
}

function refuseUnread(deps: RoundDeps, round: Round, queued: QueuedEvent, why: Unread): "done" | "redeliver" {
  const redeliver = isRedelivered(deps, round, queued);
  round.history.push(toUnreadEntry(queued, { ...why, outcome: redeliver ? "refused" : "set-aside", at: round.now }));
  if (redeliver) return "redeliver";
  setAside(deps, round, queued, { ...why, masked: "all" });
  unpark(round, queued);
  return "done";
}

async function takeEvent(
  deps: RoundDeps,
  round: Round,
  queued: QueuedEvent,
  event: StackEvent,
  { decision, notes, machine }: NotedDecision,
): Promise<"done" | "redeliver"> {
  const before = round.stack;
  const changed = takeDecision(round, event, decision, deps.unclaimedAtOnce);
  const masked = findRefusedKeys(event, { machine, stack: before });
  const became =
    decision.kind === "rejected" ? refuse(deps, round, { event, queued, decision, masked }) : toOutcome(decision);
  const outcome = became === "redeliver" ? "refused" : became;
  if (outcome !== "parked-again")
    round.history.push(toHistoryEntry({ event, decision, outcome, before, notes, machine }));
  if (outcome !== "parked" && outcome !== "parked-again") unpark(round, event);
  if (changed) await retryParked(deps, round, () => true);
  return became === "redeliver" ? "redeliver" : "done";
}

function toOutcome(decision: Exclude<Decision, Rejected>): Outcome {
  if (decision.kind === "ignored") return "ignored";
  return decision.removed ? "removed" : "applied";
}

/** Decides parked events again, oldest first; from the beginning after each one that changed the stack. */
async function retryParked(deps: RoundDeps, round: Round, isDue: (parked: ParkedEvent) => boolean): Promise<void> {
  for (const parked of [...round.parked.values()].sort((a, b) => a.parkedAt - b.parkedAt)) {
    // A retry that changes the stack tries the others itself.
    if (round.parked.get(toEventKey(parked.event)) !== parked || !isDue(parked)) continue;
    await orPark(deps, round, parked.event);
  }
}

/** Works an event that no transport would deliver again: one that cannot be decided waits as a refused one does. */
async function orPark(deps: RoundDeps, round: Round, queued: QueuedEvent): Promise<void> {
  try {
    await workQueued(deps, round, queued);
  } catch (error) {
    const why = { code: "INTERNAL", reason: `It could not be decided: ${toErrorText(error)}` } as const;
    const outcome = parkOrGiveUp(deps, round, { queued, decision: why, masked: "all" });
    if (outcome === "parked-again" || outcome === "redeliver") return;
    round.history.push(toUnreadEntry(queued, { ...why, outcome, at: round.now }));
    if (outcome !== "parked") unpark(round, queued);
  }
}

async function workTimers(deps: RoundDeps, round: Round): Promise<void> {
  for (let stack = round.stack; stack !== undefined; stack = round.stack) {
    const timer = dueTimers(stack, round.now)[0];
    if (timer === undefined) return;
    await fireTimer(deps, round, stack, timer);
  }
}

/** Fires a due timer, after which it is due no more, whatever comes of it. */
async function fireTimer(deps: RoundDeps, round: Round, stack: Stack, timer: StackTimer): Promise<void> {
  const event = toTimerEvent(stack, timer, round.now);
  const answer = await decideTimer(deps, round, event);
  if (!("fault" in answer)) return takeTimer(deps, round, event, answer);
  // The machine is at fault, not the timer: it waits as a parked event would.
  const postponed = postponeTimer(stack, timer, { now: round.now, keepMs: deps.parking.keepMs });
  round.stack = postponed ?? spendTimer(stack, timer.id);
  if (postponed !== undefined) return;
  const queued = toQueuedTimer(event);
  round.history.push(toUnreadEntry(queued, { ...answer.fault, outcome: "set-aside", at: round.now }));
  setAside(deps, round, queued, answer.fault);
}

type TimerAnswer = NotedDecision | { readonly fault: { readonly code: string; readonly reason: string } };

async function decideTimer(deps: RoundDeps, round: Round, event: StackEvent): Promise<TimerAnswer> {
  try {
    const noted = await decideOn(deps, round, event);
    const { decision } = noted;
    return decision.kind === "rejected" && isParked(event, decision.code) ? { fault: decision } : noted;
  } catch (error) {
    return { fault: { code: "INTERNAL", reason: `It could not be decided: ${toErrorText(error)}` } };
  }
}

async function takeTimer(
  deps: RoundDeps,
  round: Round,
  event: StackEvent,
  { decision, notes, machine }: NotedDecision,
): Promise<void> {
  const before = round.stack;
  const changed = takeDecision(round, event, decision, deps.unclaimedAtOnce);
  // One that comes to nothing has fired all the same: else it would be due for ever.
  if (decision.kind === "ignored" && round.stack !== undefined) {
    round.stack = spendTimer(round.stack, event.timerId ?? "");
  }
  const outcome = decision.kind === "rejected" ? "refused" : toOutcome(decision);
  round.history.push(toHistoryEntry({ event, decision, outcome, before, notes, machine }));
  if (changed) await retryParked(deps, round, () => true);
}

async function workDeadline(
  deps: RoundDeps,
  round: Round,
  input: Extract<StackInput, { kind: "deadline" }>,
): Promise<void> {
  await orPark(deps, round, toDeadlineEvent(input, round.now));
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
