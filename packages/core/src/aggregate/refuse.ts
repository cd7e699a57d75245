import { isOperators, isParked, type Rejected } from "../machine/decide/decision.ts";
import { listHeldSecrets } from "../machine/decide/stack-secrets.ts";
import { isOccurrence } from "../machine/decide/timer-ids.ts";
import { RESULT_EVENTS, type StackEvent, toEventKey, toEventName } from "../machine/event-message.ts";
import type { Ids } from "../ports/clock.ts";
import type { Outcome, ParkedEvent, ParkedHead, QueuedEvent } from "../ports/stack-store.ts";
import { listHiddenValues, type MaskedKeys, maskFreeTexts } from "./history-line.ts";
import { nextTryAt, type ParkingOptions, parkAgain } from "./parking.ts";
import { park, type Round } from "./round.ts";

/** Dependencies of `refuse`. */
export interface RefuseDeps {
  readonly ids: Ids;
  readonly parking: ParkingOptions;
  readonly refusedEvents: "park" | "redeliver" | "drop";
}

/** A refused event. */
export interface Refusal {
  readonly event: StackEvent;
  readonly queued: QueuedEvent;
  readonly decision: Rejected;
  /** Keys of its metadata that must not be shown. */
  readonly masked?: MaskedKeys | undefined;
  /** As of a parked event. */
  readonly mark?: string;
}

/**
 * The outcome of a refused event. `redeliver`: the transport delivers it again. `parked-again`: it was parked before.
 */
export type RefusalOutcome = Outcome | "redeliver" | "parked-again";

/** Parks, dead-letters or only records a refused event, depending on its code and the options. */
export function refuse(deps: RefuseDeps, round: Round, refusal: Refusal): RefusalOutcome {
  const { event, queued, decision } = refusal;
  if (event.origin === "stack") return "refused";
  if (isParked(event, decision.code)) return parkOrGiveUp(deps, round, refusal);
  if (ANSWERED.has(decision.code) || isOccurrence(event) || isOperators(event, decision.code)) return "refused";
  if (isRedelivered(deps, round, queued)) return "redeliver";
  return deadLetterOrAnswer(deps, round, queued, { ...decision, masked: refusal.masked });
}

const ANSWERED: ReadonlySet<string> = new Set([
  "NOT_ALLOWED",
  "TASK_NOT_CURRENT",
  "TASK_NOT_RUNNING",
  "UPGRADE_STATE_MISSING",
  "UPGRADE_TASK_UNKNOWN",
  "UPGRADE_NEED_MISSING",
  "APPROVAL_CLOSED",
  "APPROVAL_REPEATED",
  "COMMENT_REQUIRED",
  "STACK_CHANGED",
  "PLAN_STALE",
  "EVENT_EXPIRED",
]);

/** Parks an event, for the first time or again. Dead-letters it after too many tries or too long a time. */
export function parkOrGiveUp(
  deps: RefuseDeps,
  round: Round,
  {
    queued,
    decision,
    masked,
    mark,
  }: Pick<Refusal, "queued" | "masked" | "mark"> & {
    readonly decision: { readonly code: string; readonly reason: string };
  },
): RefusalOutcome {
  const before = round.parked.get(toEventKey(queued));
  if (isRedelivered(deps, round, queued)) return "redeliver";
  // Events of workers and deadlines arrive only once: without them the stack would never continue.
  if (before === undefined && deps.refusedEvents === "drop" && queued.origin === "external") return "refused";
  const own = withIncarnation(round, queued);
  const input = {
    event: toStored(round, own, masked),
    before,
    code: decision.code,
    reason: decision.reason,
    now: round.now,
    masked,
  };
  const { kind, parked } = parkAgain(input, deps.parking);
  const isOver = kind === "give-up" || (before === undefined && round.parked.size >= deps.parking.maxParked);
  if (isOver && !endsOpenAttempt(round, queued)) {
    return deadLetterOrAnswer(deps, round, own, { ...decision, masked });
  }
  const again = isOver ? { ...parked, nextTryAt: nextTryAt(parked.parkedAt, round.now) } : parked;
  keepParked(round, before, mark === undefined ? again : { ...again, mark });
  return before === undefined ? "parked" : "parked-again";
}

/** Parks an event, unless it is parked already and nothing of it has changed. */
function keepParked(round: Round, before: ParkedHead | undefined, parked: ParkedEvent): void {
  if (before === undefined || !isSameTry(before, parked)) park(round, parked);
}

/**
 * Returns true for an event that ends an open attempt of the stack. It comes once: given up, the task would never end. It
 * stays parked while the stack and the attempt are there, which costs one row.
 */
function endsOpenAttempt({ stack }: Round, { message }: QueuedEvent): boolean {
  if (stack === undefined || !RESULT_EVENTS.has(toEventName(message) ?? "")) return false;
  return stack.runs.some(({ attemptId }) => attemptId === message["dispatchId"]);
}

function isSameTry(a: ParkedHead, b: ParkedHead): boolean {
  return a.code === b.code && a.reason === b.reason && a.tries === b.tries && a.nextTryAt === b.nextTryAt;
}

/** Returns true if the transport delivers the event again: only external events that are not parked yet. */
export function isRedelivered(
  { refusedEvents }: Pick<RefuseDeps, "refusedEvents">,
  round: Round,
  queued: QueuedEvent,
): boolean {
  return refusedEvents === "redeliver" && queued.origin === "external" && !round.parked.has(toEventKey(queued));
}

/** Notes the present stack on an event that has outlived the one before it. */
function withIncarnation({ stack }: Round, event: QueuedEvent): QueuedEvent {
  const isNoted = event.incarnation !== undefined && event.machine === stack?.machine;
  return isNoted && stack !== undefined ? { ...event, incarnation: stack.incarnation } : event;
}

/**
 * Ends an event that can never apply. Its sender gets the refusal as its answer while it waits for the first decision: then
 * nothing is kept, because there is nothing to do for anyone else. Every other event is dead-lettered.
 */
export function deadLetterOrAnswer(
  deps: Pick<RefuseDeps, "ids">,
  round: Round,
  event: QueuedEvent,
  why: Parameters<typeof deadLetters>[3],
): "dead-lettered" | "refused" {
  const { awaitedUntil = Number.NEGATIVE_INFINITY } = event;
  if (round.now <= awaitedUntil && !round.parked.has(toEventKey(event))) return "refused";
  deadLetters(deps, round, event, why);
  return "dead-lettered";
}

/** Dead-letters an event: stores it with its reason until an operator sends it again. */
export function deadLetters(
  { ids }: Pick<RefuseDeps, "ids">,
  round: Round,
  event: QueuedEvent,
  {
    code,
    reason,
    masked,
  }: { readonly code: string; readonly reason: string; readonly masked?: MaskedKeys | undefined },
): void {
  const entry = { id: ids.next(), event: toStored(round, event, masked), code, reason, deadLetteredAt: round.now };
  round.deadLetters.push(masked === undefined ? entry : { ...entry, masked });
}

/**
 * Returns an event to keep: with the stack that it was for, and without sensitive values in its free texts. No sender waits
 * for what becomes of it later.
 */
function toStored(round: Round, queued: QueuedEvent, masked: MaskedKeys | undefined): QueuedEvent {
  const { awaitedUntil: _, ...event } = withOwner(round, queued);
  const stack = round.stack ?? round.loaded.stack;
  const held = stack === undefined ? [] : listHeldSecrets(stack);
  const message = maskFreeTexts(event.message, [...held, ...listHiddenValues(event.message, masked)]);
  return message === event.message ? event : { ...event, message };
}

/** Notes which stack an event was for, unless that is noted already. */
function withOwner({ stack, loaded }: Round, event: QueuedEvent): QueuedEvent {
  const owner = stack ?? loaded.stack;
  if (owner === undefined || event.machine !== undefined) return event;
  return { ...event, machine: owner.machine, incarnation: owner.incarnation };
}
