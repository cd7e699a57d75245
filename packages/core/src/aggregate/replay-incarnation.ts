import { type Decision, effectOf, sentBy } from "../machine/decide/decision.ts";
import { dueTimers } from "../machine/decide/timers.ts";
import type { DecideLimits } from "../machine/decide/work.ts";
import { type StackEvent, toEventKey } from "../machine/event-message.ts";
import { defined } from "../machine/json.ts";
import type { Machine } from "../machine/machine.ts";
import type { Stack, StackTimer } from "../machine/stack.ts";
import { toParkedHead } from "../ports/parked-head.ts";
import type { Change, LoadedStack, ParkedEvent, ParkedHead, QueuedEvent } from "../ports/stack-store.ts";
import { applyInputs } from "./apply-inputs.ts";
import type { DecidedEvent } from "./apply-options.ts";
import { CLOCK_CORRECTED } from "./correct-clock.ts";
import { followChange } from "./follow-change.ts";
import { DEFAULT_PARKING } from "./parking.ts";
import type { StackInput } from "./stack-input.ts";
import { toTimerEvent } from "./timer-event.ts";

/** The effect of an event, as far as two revisions are compared. */
export interface ReplayedEvent {
  readonly outcome: "applied" | "removed" | "refused" | "ignored";
  readonly code?: string;
  /** Null: the stack does not exist. */
  readonly state: string | null;
  /** Tasks that were sent. */
  readonly sent: readonly string[];
}

/**
 * A decision of a stack's incarnation. An event that was parked comes twice: when it was refused, and when it was
 * settled.
 */
export interface IncarnationEvent {
  readonly event: StackEvent;
  readonly did: ReplayedEvent;
  /** What was left of what was made for the stack, as the decision has noted it. Default: nothing. */
  readonly left?: readonly string[];
}

/** An event of a stack's incarnation that does something else on another revision. */
export interface IncarnationDifference {
  readonly event: StackEvent;
  /** The index in the incarnation; undefined for a timer or a raised event that only the other revision has. */
  readonly place: number | undefined;
  readonly after: ReplayedEvent;
}

/** The result of a replay. */
export interface ReplayedIncarnation {
  readonly differences: readonly IncarnationDifference[];
  /** As it would be at the end; undefined when it would be gone. */
  readonly stack: Stack | undefined;
  /** Timers that only this revision has were left out from some point on, because there were `MOST_TIMERS` of them. */
  readonly hasTooManyTimers: boolean;
}

/** The input of a replay. */
export interface ReplayInput {
  readonly machine: Machine;
  /** Returns the revision at an index of the incarnation. Default: `machine`. */
  readonly machineAt?: ((place: number) => Machine) | undefined;
  /** The stack before them. Default: the first decision has created it. */
  readonly start?: Stack | undefined;
  /** Decisions of the incarnation, oldest first. */
  readonly incarnation: readonly IncarnationEvent[];
  /**
   * Events that were parked when the stack was created, oldest first. Their `at` is when they were parked. Default:
   * none.
   */
  readonly parked?: readonly StackEvent[];
  readonly limits: DecideLimits;
  /** The instant until which timers of only this revision fire. Without it none of them fire. */
  readonly until?: number | undefined;
}

/** A timer may fire a few seconds late; an event that came meanwhile may have dropped it. */
const LATE_MS = 5_000;
/** Timers that only the other revision has, and that would begin themselves again and again. */
export const MOST_TIMERS = 1_000;

/**
 * Applies the events of a stack's incarnation to another revision, with `applyInputs`, and returns the differences.
 * Timers fire where the incarnation has them; timers that only this revision has fire when they are due. An event that
 * this revision refuses is parked and tried again, as in the engine. Tasks that were never sent have no result, so they
 * stay pending. Whether a sender may send an event is not decided again, because a history does not contain the groups
 * of senders: what was not allowed is left out, and everything else is allowed.
 */
export function replayIncarnation({
  machine,
  machineAt,
  start,
  incarnation,
  parked = [],
  limits,
  until,
}: ReplayInput): ReplayedIncarnation {
  const stackId = start?.id ?? incarnation[0]?.event.stackId ?? "";
  const replay: Replay = {
    machine,
    limits,
    incarnation,
    fired: new Set(incarnation.flatMap(({ event }) => (event.timerId === undefined ? [] : [event.id]))),
    events: new Map([...parked, ...incarnation.map(({ event }) => event)].map((event) => [toEventKey(event), event])),
    applied: new Set(),
    settled: new Set(),
    differences: [],
    timers: 0,
    loaded: {
      stackId,
      version: start === undefined ? 0 : 1,
      parked: parked.map(toParked).map(toParkedHead),
      ...(start && { stack: start }),
    },
    parkedEvents: new Map(parked.map((event) => [toEventKey(event), toParked(event)])),
  };
  for (const [place, { event, did }] of incarnation.entries()) {
    if (until !== undefined) fireForeignTimers(replay, event.at - LATE_MS);
    replay.machine = machineAt?.(place) ?? machine;
    // Corrected timers wait from this instant on.
    if (did.code === CLOCK_CORRECTED) apply(replay, event.at, { kind: "timers", stackId, timerId: "" });
    else replayEvent(replay, place);
  }
  if (until !== undefined) fireForeignTimers(replay, until - LATE_MS);
  const { differences, loaded, timers } = replay;
  return { differences, stack: loaded.stack, hasTooManyTimers: timers > MOST_TIMERS };
}

function toParked(event: StackEvent): ParkedEvent {
  const { at: parkedAt } = event;
  return { event: toQueued(event), code: "EVENT_NOT_HANDLED", reason: "", parkedAt, tries: 1, nextTryAt: parkedAt };
}

interface Replay {
  /** The machine at the present index. */
  machine: Machine;
  readonly limits: DecideLimits;
  readonly incarnation: readonly IncarnationEvent[];
  /** Ids of the events of timers that fired in the incarnation; a task's timer has the same id for all its attempts. */
  readonly fired: ReadonlySet<string>;
  /** By their keys. */
  readonly events: ReadonlyMap<string, StackEvent>;
  /** Keys of events that this revision has applied. */
  readonly applied: Set<string>;
  /** Indexes in the incarnation at which a parked event was settled on both revisions. */
  readonly settled: Set<number>;
  readonly differences: IncarnationDifference[];
  timers: number;
  loaded: LoadedStack;
  /** By their keys. */
  readonly parkedEvents: Map<string, ParkedEvent>;
}

function replayEvent(replay: Replay, place: number): void {
  const { incarnation, loaded } = replay;
  const { event, did, left } = incarnation[place] ?? raise(place);
  if (did.code === "NOT_ALLOWED") return;
  const key = toEventKey(event);
  if (replay.applied.has(key) || replay.settled.has(place)) return;
  const waiting = loaded.parked.find((each) => toEventKey(each.event) === key);
  if (waiting !== undefined || did.code === "STACK_ENDED") {
    replayWaiting(replay, place, waiting);
    return;
  }
  if (event.raised !== undefined) {
    compare(replay, place, event, { outcome: "ignored", state: loaded.stack?.state ?? null, sent: [] });
    return;
  }
  const { decided, change } = apply(replay, event.at, toInput(event), left);
  const [own, ...others] = decided;
  const after = own === undefined ? toUndecided(replay, loaded, event, change) : toReplayed(own.decision, own.stack);
  if (did.code === "EVENT_REPEATED" && own?.decision.kind !== "applied") forget(replay, key);
  else compare(replay, place, event, after);
  compareSettled(replay, place, others);
}

/** Replays a line about an event that is parked. */
function replayWaiting(replay: Replay, place: number, waiting: ParkedHead | undefined): void {
  const { event, did, left } = replay.incarnation[place] ?? raise(place);
  // The event was given up here. This revision may have tried it fewer times, but gives it up at the same index.
  if (waiting === undefined || did.outcome === "refused" || did.code === "EVENT_REPEATED") {
    forget(replay, toEventKey(event));
    return;
  }
  // It was applied at a try by time: a condition may depend on the instant.
  const { decided } = apply(replay, event.at, { kind: "parked", stackId: event.stackId }, left);
  const own = decided.find((each) => toEventKey(each.event) === toEventKey(event) && each.outcome !== "parked-again");
  const state = replay.loaded.stack?.state ?? null;
  compare(
    replay,
    place,
    event,
    own === undefined
      ? { outcome: "refused", code: waiting.code, state, sent: [] }
      : toReplayed(own.decision, own.stack),
  );
  compareSettled(
    replay,
    place,
    decided.filter((each) => each !== own),
  );
}

/** Drops an event that the incarnation did not keep. */
function forget(replay: Replay, key: string): void {
  const { loaded } = replay;
  replay.loaded = { ...loaded, parked: loaded.parked.filter((each) => toEventKey(each.event) !== key) };
}

/** Returns the effect of a timer that this revision has not armed, or whose event it refuses. */
function toUndecided({ loaded: { stack } }: Replay, before: LoadedStack, event: StackEvent, change: Change) {
  const state = stack?.state ?? null;
  const isArmed = before.stack?.timers.some(({ id }) => id === event.timerId) ?? false;
  if (event.timerId !== undefined && !isArmed) {
    return { outcome: "ignored", code: "TIMER_STALE", state, sent: [] } as const;
  }
  const code = change.deadLetters[0]?.code;
  return { outcome: "refused", ...defined({ code }), state, sent: [] } as const;
}

function raise(place: number): never {
  throw new RangeError(`The incarnation has no event ${place}.`);
}

/**
 * Compares parked events that were decided again: with the index at which the incarnation settled them later, or, if
 * they still wait there, with their refusal.
 */
function compareSettled(replay: Replay, after: number, decided: readonly DecidedEvent[]): void {
  for (const { event, decision, outcome, stack } of decided) {
    if (outcome === "parked-again") continue;
    const key = toEventKey(event);
    const place = replay.incarnation.findIndex(
      (each, index) => index > after && toEventKey(each.event) === key && !replay.settled.has(index),
    );
    if (place >= 0) replay.settled.add(place);
    const compared = place >= 0 ? place : replay.incarnation.findLastIndex((each) => toEventKey(each.event) === key);
    const isGivenUp = decision.kind === "rejected" && replay.incarnation[compared]?.did.outcome === "refused";
    if (!isGivenUp) compare(replay, compared, event, toReplayed(decision, stack));
  }
}

function compare(replay: Replay, place: number, event: StackEvent, after: ReplayedEvent): void {
  const before = replay.incarnation[place]?.did;
  if (before !== undefined && isSame(before, after)) return;
  replay.differences.push({ event, place: before === undefined ? undefined : place, after });
}

function isSame(a: ReplayedEvent, b: ReplayedEvent): boolean {
  return a.outcome === b.outcome && a.code === b.code && a.state === b.state && a.sent.join("\n") === b.sent.join("\n");
}

/** Timers that are not in the incarnation: it could not have fired them. */
function fireForeignTimers(replay: Replay, now: number): void {
  for (let timer = findForeign(replay, now); timer !== undefined; timer = findForeign(replay, now)) {
    const { stack } = replay.loaded;
    replay.timers += 1;
    if (stack === undefined || replay.timers > MOST_TIMERS) return;
    const at = Math.max(timer.dueAt, stack.updatedAt);
    const { decided } = apply(replay, at, { kind: "timers", stackId: stack.id, timerId: timer.id });
    for (const { event, decision, stack: next } of decided.slice(0, 1)) {
      const after = toReplayed(decision, next);
      const isSilent = decision.kind === "applied" && after.state === stack.state && after.sent.length === 0;
      if (!isSilent) replay.differences.push({ event, place: undefined, after });
    }
    compareSettled(replay, -1, decided.slice(1));
  }
}

function findForeign({ loaded: { stack }, fired }: Replay, now: number): StackTimer | undefined {
  return stack && dueTimers(stack, now).find((timer) => !fired.has(toTimerEvent(stack, timer, now).id));
}

function toInput(event: StackEvent): StackInput {
  const { stackId, timerId } = event;
  if (timerId !== undefined) return { kind: "timers", stackId, timerId };
  return { kind: "delivery", stackId, delivery: { event: toQueued(event), deliveries: 1 } };
}

function toQueued({ id, origin, stackId, at }: StackEvent): QueuedEvent {
  const from = origin === "external" || origin === "stack" ? origin : "worker";
  return { id, stackId, origin: from, receivedAt: at, message: {} };
}

function apply(replay: Replay, now: number, input: StackInput, left: readonly string[] = []) {
  const { machine, limits, events } = replay;
  const loaded = input.kind === "timers" ? withDrawn(replay.loaded, input.timerId, now) : replay.loaded;
  const isThere = loaded.stack !== undefined;
  const applied = applyInputs(loaded, [input], {
    now,
    limits,
    left,
    machines: () => ({ kind: "found", machine: { ...machine, allow: new Map() }, notes: [] }),
    readEvent(queued) {
      const event = events.get(toEventKey(queued));
      return event && { ...event, at: now, ...(isThere ? {} : { machine: machine.name }) };
    },
    // Timers keep their latest instants: the incarnation contains the random instants at which they fired.
    random: undefined,
    ids: { next: () => "dead-lettered" },
    parking: DEFAULT_PARKING,
    refusedEvents: "park",
    keepsRepeats: true,
    allowExternalNext: true,
    everyRunnerClaims: true,
    maxDeliveries: Number.POSITIVE_INFINITY,
    knownIds: replay.applied,
    parkedEvents: replay.parkedEvents,
  });
  if (applied.kind !== "applied") throw new TypeError("The only machine of a replay was answered for.");
  for (const error of applied.faults.values()) throw error;
  for (const key of applied.change.appliedIds) replay.applied.add(key);
  for (const each of applied.change.park) replay.parkedEvents.set(toEventKey(each.event), each);
  replay.loaded = followChange(loaded, applied.change);
  return applied;
}

function withDrawn(loaded: LoadedStack, timerId: string | undefined, at: number): LoadedStack {
  const { stack } = loaded;
  if (stack === undefined) return loaded;
  const timers = stack.timers.map((timer) => {
    const { id, dueAt, jitterMs = 0 } = timer;
    return id === timerId && dueAt > at && dueAt - jitterMs <= at ? { ...timer, dueAt: at } : timer;
  });
  return { ...loaded, stack: { ...stack, timers } };
}

/** Returns the effect of a decision, with the stack after it. */
export function toReplayed(decision: Decision, stack: Stack | undefined): ReplayedEvent {
  const state = stack?.state ?? null;
  const effect = effectOf(decision);
  const sent = effect === undefined ? [] : sentBy(effect);
  if (decision.kind !== "applied") {
    return { outcome: decision.kind === "ignored" ? "ignored" : "refused", code: decision.code, state, sent };
  }
  return { outcome: decision.removed ? "removed" : "applied", state, sent };
}
