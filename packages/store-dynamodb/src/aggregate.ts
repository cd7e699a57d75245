import type { HistoryEntry, SetAsideEvent } from "@stackyard/core/engine";
import { type AttemptRow, afterHidden, findReturn, type Hidden, toDeadline } from "./attempt-row.ts";
import type { KnownIds } from "./event-ids.ts";
import type { EventToQueue, Lane } from "./lane.ts";
import type { DueKind, Stack } from "./port-types.ts";

/** What a crash left undone is finished after so long: whoever began it is no longer at work on it then. */
export const REPAIR_AFTER_MS = 30_000;

/** That an event is parked. The event itself is a row of the work table, which the name leads to. */
export interface ParkedMark {
  /** The event's key (`toEventKey`). */
  readonly id: string;
  readonly nextTryAt: number;
  readonly name: string;
}

/**
 * What follows from one write outside of its item, until it is done. The version of the write names it: doing it again
 * changes nothing.
 */
export interface OutboxEntry extends FollowUp {
  readonly version: number;
  readonly now: number;
  /** The entry of the stack then: attempts of a later record start above it. */
  readonly entry: number;
}

/** What a write leaves to do. */
export interface FollowUp {
  readonly lines?: readonly HistoryEntry[] | undefined;
  /** Attempts that have ended; they move to the row of the lines. */
  readonly ended?: readonly AttemptRow[] | undefined;
  readonly setAside?: readonly SetAsideEvent[] | undefined;
  /** Keys that these attempts hold or may be queued for no longer. */
  readonly leaves?: readonly { readonly attemptId: string; readonly keys: readonly string[] }[] | undefined;
  /** Events of other stacks. */
  readonly events?: readonly EventToQueue[] | undefined;
  /** Receipts of events and messages of other stacks. */
  readonly receipts?: readonly string[] | undefined;
  /** Sort keys of rows beside the item that it no longer names. */
  readonly unused?: readonly string[] | undefined;
}

/** Everything of one stack that a decision or a move needs: one item, and one conditional write is one transition. */
export interface Aggregate extends KnownIds, Lane {
  /** Of the last write; each has a higher one. 0: nothing was ever written. */
  readonly version: number;
  readonly stack?: Stack | undefined;
  /** The version that wrote the stack; 0 without one. */
  readonly stackVersion: number;
  /** In the order in which they are decided again. */
  readonly parked: readonly ParkedMark[];
  /** The open ones, in order of dispatch. */
  readonly attempts: readonly AttemptRow[];
  /** Those that have ended since the last row of history. */
  readonly ended: readonly AttemptRow[];
  readonly outbox: readonly OutboxEntry[];
  /** What was handed out by `takeDue`. */
  readonly timerHidden?: Hidden | undefined;
  readonly parkedHidden?: Hidden | undefined;
  /** Of a repair that failed. */
  readonly repairHidden?: Hidden | undefined;
}

/** Of a stack that was never heard of. */
export const EMPTY: Aggregate = {
  version: 0,
  stackVersion: 0,
  ids: [],
  idCount: 0,
  idsMoved: false,
  parked: [],
  events: [],
  attempts: [],
  ended: [],
  outbox: [],
};

/** Instants at which something is due; `repair`: what a write left to do, or a queued attempt that checks its key. */
export type DueTimes = Readonly<Partial<Record<DueKind | "repair", number>>>;

/** When each kind of work is due first, with what was handed out taken into account. Pure. */
export function findDueTimes(aggregate: Aggregate): DueTimes {
  const { stack, parked, events, attempts, outbox, timerHidden, parkedHidden, repairHidden } = aggregate;
  const returns = attempts.flatMap((row) => findReturn(row) ?? []);
  const ofKind = (kind: "poll" | "lapsedLease") => returns.flatMap((due) => (due.kind === kind ? [due.visibleAt] : []));
  const checks = attempts.flatMap(({ checkAt }) => checkAt ?? []);
  const times = {
    event: events[0]?.visibleAt,
    task: findEarliest(attempts.flatMap(({ sent }) => sent?.visibleAt ?? [])),
    poll: findEarliest(ofKind("poll")),
    lapsedLease: findEarliest(ofKind("lapsedLease")),
    deadline: findEarliest(attempts.flatMap((row) => toDeadline(row)?.visibleAt ?? [])),
    timer: hide(findEarliest((stack?.timers ?? []).map(({ dueAt }) => dueAt)), timerHidden),
    parked: hide(findEarliest(parked.map(({ nextTryAt }) => nextTryAt)), parkedHidden),
    repair: findEarliest([...checks, hide(findRepairAt(outbox), repairHidden)].flatMap((at) => at ?? [])),
  };
  return Object.fromEntries(Object.entries(times).filter(([, at]) => at !== undefined));
}

/** When the sweep finishes what writes have left to do, unless it failed before. Pure. */
export function findRepairAt(outbox: readonly OutboxEntry[]): number | undefined {
  const at = findEarliest(outbox.map(({ now }) => now));
  return at === undefined ? undefined : at + REPAIR_AFTER_MS;
}

/** The earliest instant of those kinds. Pure. */
export function findNextDueAt(
  times: DueTimes,
  kinds: readonly (keyof DueTimes)[] = Object.keys(times) as (keyof DueTimes)[],
): number | undefined {
  return findEarliest(kinds.flatMap((kind) => times[kind] ?? []));
}

/** The smallest number; undefined without one. */
export function findEarliest(instants: readonly number[]): number | undefined {
  return instants.length === 0 ? undefined : instants.reduce((a, b) => Math.min(a, b));
}

function hide(at: number | undefined, hidden: Hidden | undefined): number | undefined {
  return at === undefined ? undefined : afterHidden(at, hidden);
}

/** True when nothing would be lost with the item. Pure. */
export function isEmpty({ stack, ids, idCount, parked, events, attempts, ended, outbox }: Aggregate): boolean {
  const count = parked.length + events.length + attempts.length + ended.length + outbox.length + ids.length + idCount;
  return stack === undefined && count === 0;
}
