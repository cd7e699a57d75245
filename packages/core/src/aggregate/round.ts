import type { AuditEntry } from "../access/audit-entry.ts";
import { toClaimWithinMs } from "../attempt/attempt.ts";
import { followDecision } from "../machine/decide/decide.ts";
import { type Applied, type Decision, isOperators, isParked, type Rejected } from "../machine/decide/decision.ts";
import { attemptsOf } from "../machine/decide/runs.ts";
import { listHeldSecrets } from "../machine/decide/stack-secrets.ts";
import { timerEventId, timesFired } from "../machine/decide/timers.ts";
import { type ParsedEvent, parseEventMessage, type StackEvent, toEventKey } from "../machine/event-message.ts";
import { defined } from "../machine/json.ts";
import type { Stack, StackTimer } from "../machine/stack.ts";
import type { Ids, Random } from "../ports/clock.ts";
import { findUnreadable } from "../ports/queued-event.ts";
import type {
  AppliedResult,
  CancelAttempt,
  Change,
  DeadLetter,
  HistoryEntry,
  LoadedStack,
  Outcome,
  ParkedEvent,
  QueuedEvent,
} from "../ports/stack-store.ts";
import { isAudited, type RecordedEvent, toAuditEntry } from "./audited-event.ts";
import { nextOrder } from "./event-order.ts";
import { listHiddenValues, type MaskedKeys, maskFreeTexts } from "./history-line.ts";

/** One unit of work: the effects that the engine collects for one stack until it commits them as one change. */
export interface Round {
  readonly loaded: LoadedStack;
  readonly now: number;
  /** The stack as it would be after the commit. */
  stack: Stack | undefined;
  /** Parked events by their keys (`toEventKey`), oldest first, as they would be after the commit. */
  readonly parked: Map<string, ParkedEvent>;
  readonly appliedIds: Set<string>;
  /** Keys of events that the store has reported as applied before. */
  readonly knownIds: ReadonlySet<string>;
  readonly reparked: Map<string, ParkedEvent>;
  readonly unparked: Set<string>;
  /** Keys of parked events whose stack was removed in this unit of work. */
  readonly outlived: Set<string>;
  readonly deadLetters: DeadLetter[];
  readonly history: HistoryEntry[];
  readonly audit: AuditEntry[];
  readonly dispatches: Change["dispatches"][number][];
  readonly cancels: CancelAttempt[];
  readonly endedAttempts: string[];
  readonly receipts: string[];
  readonly results: AppliedResult[];
}

/** Begins a unit of work on a loaded stack. */
export function beginRound(loaded: LoadedStack, now: number, knownIds: ReadonlySet<string>): Round {
  return {
    loaded,
    now,
    stack: loaded.stack,
    parked: new Map(loaded.parked.map((entry) => [toEventKey(entry.event), entry])),
    appliedIds: new Set(),
    knownIds,
    reparked: new Map(),
    unparked: new Set(),
    outlived: new Set(),
    deadLetters: [],
    history: [],
    audit: [],
    dispatches: [],
    cancels: [],
    endedAttempts: [],
    receipts: [],
    results: [],
  };
}

/**
 * Adds a decision to the unit of work. Returns true if the state, a task, the metadata or the machine's revision
 * changed, so that parked events must be decided again.
 */
export function takeDecision(
  round: Round,
  event: StackEvent,
  decision: Decision,
  runners: { readonly everyRunnerClaims: boolean },
): boolean {
  if (decision.kind === "applied") return takeApplied(round, event, decision, runners.everyRunnerClaims);
  // It has been answered. A second delivery must not act on what comes after.
  if (decision.kind === "ignored" && decision.code === "EVENT_REPEATED") round.appliedIds.add(toEventKey(event));
  if (decision.endedAttempt !== undefined) round.endedAttempts.push(decision.endedAttempt);
  round.stack = followDecision(round.stack, decision, event.at);
  return false;
}

function takeApplied(round: Round, event: StackEvent, decision: Applied, everyRunnerClaims: boolean): boolean {
  const before = round.stack;
  // A raised event comes with the one that has raised it, which is applied once.
  if (event.raised === undefined) round.appliedIds.add(toEventKey(event));
  for (const dispatch of decision.dispatches) {
    const claimWithinMs = toClaimWithinMs(dispatch.timeoutMs, everyRunnerClaims);
    round.dispatches.push({ ...dispatch, claimWithinMs, cause: event.id });
  }
  round.endedAttempts.push(...decision.endedAttempts);
  for (const cancel of decision.cancels) round.cancels.push({ ...cancel, unclaimedAtOnce: everyRunnerClaims });
  round.stack = followDecision(before, decision, event.at);
  return before === undefined || decision.removed || MATTERS.some((key) => before[key] !== decision.stack[key]);
}

/** What the reaction to a parked event may depend on. */
const MATTERS = ["entry", "machineHash", "metadata", "tasks", "outputs"] as const;

/** Parks an event. */
export function park(round: Round, { order, ...again }: ParkedEvent): void {
  const key = toEventKey(again.event);
  const parked = { ...again, order: order ?? nextOrder(round) };
  round.parked.set(key, parked);
  round.reparked.set(key, parked);
}

/** Removes an event from the parked ones. */
export function unpark(round: Round, event: Pick<StackEvent, "origin" | "id">): void {
  const key = toEventKey(event);
  round.parked.delete(key);
  round.reparked.delete(key);
  if (round.loaded.parked.some((parked) => toEventKey(parked.event) === key)) round.unparked.add(key);
}

/** Adds a line of the history, and an entry of the audit log where the event needs one. */
export function recordEvent({ ids }: Pick<RefuseDeps, "ids">, round: Round, recorded: RecordedEvent): void {
  round.history.push(recorded.entry);
  if (isAudited(recorded)) round.audit.push(toAuditEntry(recorded, ids.next(), round.stack ?? round.loaded.stack));
}

/** Converts the unit of work to one change. */
export function toChange(round: Round): Change {
  return {
    stackId: round.loaded.stackId,
    expectedVersion: round.loaded.version,
    write: toWrite(round),
    appliedIds: [...round.appliedIds],
    park: [...round.reparked.values()],
    unpark: [...round.unparked],
    deadLetters: round.deadLetters,
    history: round.history,
    dispatches: round.dispatches,
    cancels: round.cancels,
    endedAttempts: round.endedAttempts.filter((id) => !round.results.some(({ grant }) => grant.attemptId === id)),
    receipts: round.receipts,
    ...(round.results.length === 0 ? {} : { results: round.results }),
    ...(round.audit.length === 0 ? {} : { audit: round.audit }),
    now: round.now,
  };
}

/** Returns true when the change is empty. */
export function isEmpty(change: Change): boolean {
  if (change.write.kind !== "keep" || change.appliedIds.length > 0) return false;
  return [
    change.park,
    change.unpark,
    change.deadLetters,
    change.history,
    change.cancels,
    change.endedAttempts,
    change.receipts,
    change.results ?? [],
    change.audit ?? [],
  ].every((list) => list.length === 0);
}

function toWrite(round: Round): Change["write"] {
  const { loaded, stack } = round;
  if (stack === loaded.stack && (stack === undefined || !parksMore(round))) return { kind: "keep" };
  return stack === undefined ? { kind: "remove" } : { kind: "put", stack };
}

/**
 * Returns true when an event is parked that was not parked before. Then the stack gets a new version, because a
 * concurrent decision on the earlier version has not seen this event and must be made again.
 */
function parksMore({ loaded, reparked }: Round): boolean {
  if (reparked.size === 0) return false;
  const before = new Set(loaded.parked.map(({ event }) => toEventKey(event)));
  return [...reparked.keys()].some((key) => !before.has(key));
}

/** How queued events are read. */
export interface ReadOptions {
  /** Reads a queued event instead of its message. A replay has the events, and no messages. */
  readonly readEvent?: (queued: QueuedEvent) => StackEvent | undefined;
  /** Accepts an external `NEXT`. */
  readonly allowExternalNext: boolean;
}

/** Reads a queued event: that of its message, under the id of the queue. */
export function parseQueued(options: ReadOptions, round: Round, queued: QueuedEvent): ParsedEvent {
  const parsed = parseMessage(options, round, queued);
  const { stack } = round;
  const isOfAnother = queued.machine !== undefined && stack !== undefined && stack.machine !== queued.machine;
  if (parsed.kind === "invalid" || !isOfAnother || queued.origin !== "external") return parsed;
  // Refused as an event that names this machine, although it names none: it was not meant for the present stack.
  return { kind: "event", event: { ...parsed.event, machine: queued.machine } };
}

function parseMessage(options: ReadOptions, round: Round, queued: QueuedEvent): ParsedEvent {
  const read = options.readEvent?.(queued);
  if (read !== undefined) return { kind: "event", event: read };
  const unreadable = findUnreadable(queued.message);
  if (unreadable !== undefined) return { kind: "invalid", code: "EVENT_INVALID", reason: unreadable };
  const parsed = parseEventMessage(queued.message, {
    // An attempt's id, and so the id of its result, may be longer than senders may make theirs.
    messageId: queued.origin === "worker" ? "worker" : queued.id,
    at: round.now,
    origin: queued.origin,
    allowExternalNext: options.allowExternalNext,
    ...defined({ actor: queued.actor, sender: queued.sender, own: queued.own }),
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
  if (isParked(event, decision.code)) return parkOrGiveUp(deps, round, refusal);
  if (ANSWERED.has(decision.code) || event.origin === "timer" || isOperators(event, decision.code)) return "refused";
  if (isRedelivered(deps, round, queued)) return "redeliver";
  deadLetters(deps, round, queued, { ...decision, masked: refusal.masked });
  return "dead-lettered";
}

const ANSWERED: ReadonlySet<string> = new Set([
  "NOT_ALLOWED",
  "TASK_NOT_CURRENT",
  "TASK_NOT_RUNNING",
  "UPGRADE_STATE_MISSING",
  "UPGRADE_TASK_UNKNOWN",
  "APPROVAL_CLOSED",
  "APPROVAL_REPEATED",
  "COMMENT_REQUIRED",
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
  if (kind === "give-up" || (before === undefined && round.parked.size >= deps.parking.maxParked)) {
    deadLetters(deps, round, own, { ...decision, masked });
    return "dead-lettered";
  }
  if (before === undefined || !isSameTry(before, parked))
    park(round, mark === undefined ? parked : { ...parked, mark });
  return before === undefined ? "parked" : "parked-again";
}

function isSameTry(a: ParkedEvent, b: ParkedEvent): boolean {
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

/** Returns an event to keep: with the stack that it was for, and without sensitive values in its free texts. */
function toStored(round: Round, queued: QueuedEvent, masked: MaskedKeys | undefined): QueuedEvent {
  const event = withOwner(round, queued);
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

/** Notes the present stack on an event that has outlived the one before it. */
function withIncarnation({ stack }: Round, event: QueuedEvent): QueuedEvent {
  const isNoted = event.incarnation !== undefined && event.machine === stack?.machine;
  return isNoted && stack !== undefined ? { ...event, incarnation: stack.incarnation } : event;
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

/** How long and how often a parked event is retried. */
export interface ParkingOptions {
  /** The number of decisions: the first, and those that were due by time. Default: 50. */
  readonly maxTries: number;
  /** The time from the first refusal. Default: one hour (`REFUSED_EVENTS_KEEP`). */
  readonly keepMs: number;
  /** The number of parked events of one stack; further ones are dead-lettered at once. Default: 1,000. */
  readonly maxParked: number;
}

/** The defaults: 50 tries or one hour, and at most 1,000 parked events per stack. */
export const DEFAULT_PARKING: ParkingOptions = { maxTries: 50, keepMs: 3_600_000, maxParked: 1_000 };

const FIRST_DELAYS_MS = [30_000, 60_000, 120_000, 240_000, 480_000];
const LATER_DELAY_MS = 900_000;

/** Returns when a parked event is due again: 30 s after it was parked, then after 1, 2, 4, 8 and every 15 minutes. */
export function nextTryAt(parkedAt: number, now: number): number {
  let at = parkedAt;
  for (const delay of FIRST_DELAYS_MS) {
    at += delay;
    if (at > now) return at;
  }
  return at + LATER_DELAY_MS * (Math.floor((now - at) / LATER_DELAY_MS) + 1);
}

/**
 * Returns whether a refused event is parked (again), or given up because of its tries or its age. A try because of a
 * change does not count: otherwise other events of the stack could use up the tries of this one within seconds.
 */
export function parkAgain(
  input: {
    readonly event: QueuedEvent;
    readonly before: ParkedEvent | undefined;
    readonly code: string;
    readonly reason: string;
    readonly now: number;
    readonly masked?: MaskedKeys | undefined;
  },
  options: ParkingOptions,
): { readonly kind: "park" | "give-up"; readonly parked: ParkedEvent } {
  const { event, before, code, reason, now, masked } = input;
  const parkedAt = before?.parkedAt ?? now;
  const isCounted = before === undefined || before.nextTryAt <= now;
  const tries = (before?.tries ?? 0) + (isCounted ? 1 : 0);
  const parked = {
    event,
    code,
    reason,
    parkedAt,
    tries,
    nextTryAt: Math.min(nextTryAt(parkedAt, now), parkedAt + options.keepMs),
    ...defined({ masked, order: before?.order, mark: before?.mark }),
  };
  const over = tries >= options.maxTries || now - parkedAt >= options.keepMs;
  return { kind: over ? "give-up" : "park", parked };
}

/**
 * Returns the event of a timer that has fired. Its id contains the id of the timer, so it is applied once. A task may
 * wait for several retries in one entry; the number of its last attempt distinguishes their timers. Other timers that
 * fire several times in one entry are distinguished by their instant, and by how often they have fired, since metadata
 * may return to an instant.
 */
export function toTimerEvent(stack: Stack, timer: StackTimer, at: number): StackEvent {
  const attempt = timer.task === undefined ? "" : `/${attemptsOf(stack, timer.task)}`;
  const times = timesFired(stack, timer.id);
  const firing = timer.instant === undefined ? "" : `/${timer.instant}${times === 0 ? "" : `/${times}`}`;
  return defined({
    id: timerEventId(stack.incarnation, `${timer.id}${attempt}${firing}`),
    stackId: stack.id,
    name: timer.event,
    at,
    origin: "timer" as const,
    timerId: timer.id,
    task: timer.task === undefined ? undefined : { name: timer.task },
  });
}

/**
 * Returns the stack with the timer postponed like a parked event; undefined when the timer was postponed for too long.
 */
export function postponeTimer(
  stack: Stack,
  timer: StackTimer,
  { now, keepMs }: { readonly now: number; readonly keepMs: number },
): Stack | undefined {
  const postponedFrom = timer.postponedFrom ?? now;
  const endAt = postponedFrom + keepMs;
  if (now >= endAt) return undefined;
  const dueAt = Math.min(nextTryAt(postponedFrom, now), endAt);
  return replaceTimers(stack, (each) => (each.id === timer.id ? { ...each, dueAt, postponedFrom } : each));
}

/** Makes the postponed timers of a stack due. Returns the same stack when it has no such timers. */
export function resumeTimers(stack: Stack): Stack {
  if (!stack.timers.some(({ postponedFrom }) => postponedFrom !== undefined)) return stack;
  return replaceTimers(stack, (each) => ({ ...each, dueAt: each.postponedFrom ?? each.dueAt }));
}

/** Converts a timer's event to the event of a dead letter. When it is sent again, its origin is `worker`. */
export function toQueuedTimer({ id, stackId, name, at, task }: StackEvent): QueuedEvent {
  const message = { event: name, stackId, ...defined({ task }) };
  return { id, stackId, origin: "worker", receivedAt: at, message };
}

function replaceTimers(stack: Stack, replace: (timer: StackTimer) => StackTimer): Stack {
  return { ...stack, timers: stack.timers.map(replace) };
}

/** Picks the random instants of a decision. Without `random` they are the latest ones possible. */
export function pickRandom(decision: Decision, random: Random | undefined): Decision {
  if (random === undefined || decision.kind !== "applied") return decision;
  return { ...decision, stack: pickJitter(decision.stack, random) };
}

/**
 * Sets the timers of a stack to fixed instants: `decide` returns the latest one and the range of a random delay
 * (`jitterMs`). Returns the same stack when no timer has a range.
 */
export function pickJitter(stack: Stack, random: Random): Stack {
  if (stack.timers.every(({ jitterMs }) => jitterMs === undefined)) return stack;
  const timers = stack.timers.map(({ jitterMs = 0, ...timer }) => ({
    ...timer,
    dueAt: timer.dueAt - Math.floor(random() * jitterMs),
  }));
  return { ...stack, timers };
}
