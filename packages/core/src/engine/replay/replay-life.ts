import { toTimerEvent } from "../../aggregate/round.ts";
import { decide, followDecision } from "../../machine/decide/decide.ts";
import type { Decision } from "../../machine/decide/decision.ts";
import { type DecideLimits, dueTimers, spendTimer } from "../../machine/decide/work.ts";
import { type StackEvent, SYSTEM_EVENTS } from "../../machine/event-message.ts";
import type { Machine } from "../../machine/machine.ts";
import type { Stack, StackTimer } from "../../machine/stack.ts";
import type { StoredHistoryEntry } from "../../ports/stack-store.ts";
import { toReplayEvent } from "./to-replay-event.ts";

/** What an event did, as far as two revisions are compared. */
export interface ReplayedEvent {
  readonly outcome: "applied" | "removed" | "refused" | "ignored";
  readonly code?: string;
  /** Null: there is no stack. */
  readonly state: string | null;
  /** Tasks that were sent. */
  readonly sent: readonly string[];
}

/** An event of a stack's life that does something else on another revision. */
export interface ReplayDifference {
  readonly eventId: string;
  readonly event: string;
  readonly at: number;
  /** In the history; absent for a timer that only the other revision has. */
  readonly position?: number;
  readonly before?: ReplayedEvent;
  readonly after: ReplayedEvent;
}

/** What a life would have been. */
export interface ReplayedLife {
  readonly differences: readonly ReplayDifference[];
  /** As it would stand at the end; undefined when it would be gone. */
  readonly stack: Stack | undefined;
  /** Timers that only this revision has were left out from some point on, because there were `MOST_TIMERS` of them. */
  readonly hasTooManyTimers: boolean;
}

/** What is replayed. */
export interface ReplayInput {
  readonly machine: Machine;
  /** All lines of the life, oldest first; the first one has created the stack. */
  readonly lines: readonly StoredHistoryEntry[];
  readonly limits: DecideLimits;
  /** Timers that are due by then fire. */
  readonly until: number;
}

/** A timer may fire a few seconds late; an event that came meanwhile may have dropped it. */
const LATE_MS = 5_000;
/** Timers that only the other revision has, and that would begin themselves again and again. */
export const MOST_TIMERS = 1_000;

/**
 * Works the events of a stack's life on another revision and says where that does something else. Timers fire where the
 * history says so, and besides those that only this revision has, when they are due. What workers would have answered to
 * tasks that were never sent is not known, so such tasks stay pending.
 */
export function replayLife({ machine, lines, limits, until }: ReplayInput): ReplayedLife {
  const fired = new Set(lines.flatMap(({ timer, eventId }) => (timer === undefined ? [] : [eventId])));
  const replay: Replay = { machine, limits, fired, applied: new Set(), differences: [], timers: 0, stack: undefined };
  for (const line of lines) {
    fireTimers(replay, line.at - LATE_MS);
    workLine(replay, line);
  }
  fireTimers(replay, until - LATE_MS);
  const { differences, stack, timers } = replay;
  return { differences, stack, hasTooManyTimers: timers > MOST_TIMERS };
}

interface Replay {
  readonly machine: Machine;
  readonly limits: DecideLimits;
  /** Ids of the events of timers that the history has fired; a task's timer has the same id for all its attempts. */
  readonly fired: ReadonlySet<string>;
  readonly applied: Set<string>;
  readonly differences: ReplayDifference[];
  timers: number;
  stack: Stack | undefined;
}

function workLine(replay: Replay, line: StoredHistoryEntry): void {
  if (isPassedOver(line) || replay.applied.has(line.eventId)) return;
  const event = toReplayEvent(line);
  const decision = work(replay, event);
  const before = toBefore(line);
  const after = toAfter(replay, decision);
  if (isSame(before, after)) return;
  const { eventId, position, at } = line;
  replay.differences.push({ eventId, event: line.event, at, position, before, after });
}

/** Lines about the machine instead of the stack, and those whose event the history does not hold whole. */
function isPassedOver({ event, code = "", outcome, metadata }: StoredHistoryEntry): boolean {
  if (event === SYSTEM_EVENTS.upgradeStack) return true;
  if (outcome === "applied" || outcome === "removed") return false;
  return UNJUDGED.has(code) || (code === "METADATA_INVALID" && JSON.stringify(metadata ?? null).includes('"***"'));
}

const UNJUDGED: ReadonlySet<string> = new Set([
  ...["DUPLICATE", "STACK_UNKNOWN", "MACHINE_MISMATCH", "MACHINE_UNKNOWN", "MACHINE_INVALID", "STATE_UNKNOWN"],
  ...["EVENT_INVALID", "EVENT_RESERVED", "INTERNAL"],
]);

/** Timers that the history does not know: it could not have fired them. */
function fireTimers(replay: Replay, now: number): void {
  for (let timer = findForeign(replay, now); timer !== undefined; timer = findForeign(replay, now)) {
    const { stack } = replay;
    replay.timers += 1;
    if (stack === undefined || replay.timers > MOST_TIMERS) return;
    const event = toTimerEvent(stack, timer, Math.max(timer.dueAt, stack.updatedAt));
    const decision = work(replay, event);
    if (decision.kind !== "applied" && replay.stack) replay.stack = spendTimer(replay.stack, timer.id);
    const after = toAfter(replay, decision);
    const isSilent = decision.kind === "applied" && after.state === stack.state && after.sent.length === 0;
    if (!isSilent) replay.differences.push({ eventId: event.id, event: event.name, at: event.at, after });
  }
}

function findForeign({ stack, fired }: Replay, now: number): StackTimer | undefined {
  return stack && dueTimers(stack, now).find((timer) => !fired.has(toTimerEvent(stack, timer, now).id));
}

function work(replay: Replay, event: StackEvent): Decision {
  const { machine, limits } = replay;
  const stack = replay.stack && withDrawn(replay.stack, event);
  const decision = decide(machine, stack, stack === undefined ? { ...event, machine: machine.name } : event, limits);
  if (decision.kind === "applied") replay.applied.add(event.id);
  replay.stack = followDecision(replay.stack, decision);
  return decision;
}

/** Timers stand at their latest instants. The history says when chance has let one of them fire. */
function withDrawn(stack: Stack, { timerId, at }: StackEvent): Stack {
  if (timerId === undefined) return stack;
  const timers = stack.timers.map((timer) => {
    const { id, dueAt, jitterMs = 0 } = timer;
    return id === timerId && dueAt > at && dueAt - jitterMs <= at ? { ...timer, dueAt: at } : timer;
  });
  return { ...stack, timers };
}

function toBefore({ outcome, code, to, sent }: StoredHistoryEntry): ReplayedEvent {
  if (outcome === "removed") return { outcome, state: null, sent };
  if (outcome === "applied") return { outcome, state: to ?? null, sent };
  const told = outcome === "ignored" ? outcome : "refused";
  return { outcome: told, ...(code !== undefined && { code }), state: to ?? null, sent };
}

function toAfter({ stack }: Replay, decision: Decision): ReplayedEvent {
  const state = stack?.state ?? null;
  if (decision.kind !== "applied") {
    return { outcome: decision.kind === "ignored" ? "ignored" : "refused", code: decision.code, state, sent: [] };
  }
  const sent = decision.dispatches.map(({ task }) => task);
  return { outcome: decision.removed ? "removed" : "applied", state, sent };
}

function isSame(a: ReplayedEvent, b: ReplayedEvent): boolean {
  return a.outcome === b.outcome && a.code === b.code && a.state === b.state && a.sent.join("\n") === b.sent.join("\n");
}
