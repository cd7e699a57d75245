import { type DispatchAttempt, type DueKind, type Stack, StackyardError, type TaskMessage } from "@stackyard/core";
import type { AuditEntry } from "@stackyard/core/access";
import {
  type Attempt,
  type AttemptFacts,
  type AttemptMove,
  type BirthClaim,
  beginAttempt,
  claimAtBirth,
  toAttemptDue,
} from "@stackyard/core/attempt";
import { type DeadLetter, type HistoryEntry, nextTimerAt, type QueuedEvent } from "@stackyard/core/engine";
import type { KnownIds } from "./keys.ts";

/** An instant that is not delivered before another one. A new instant is delivered at once. */
interface Hidden {
  readonly at: number;
  readonly until: number;
}

/** One attempt with its message in the queue. */
export interface AttemptRow extends Attempt, AttemptFacts {
  readonly secrets?: readonly string[] | undefined;
  readonly message: TaskMessage;
  /** Grows over the yard: the order in queues of keys. */
  readonly sequence: number;
  readonly deadlineHidden?: Hidden | undefined;
  /** The hidden time of a poll, or of a lapsed lease. */
  readonly hidden?: Hidden | undefined;
  /** Keys that it has or may be queued for; noted before a key is touched, so that the end frees every one. */
  readonly keys: readonly string[];
  /** A queued one checks its key's holder then, in case the one that was to pass it on has died. */
  readonly checkAt?: number | undefined;
  /** The message in the queue. */
  readonly sent?: SentMessage | undefined;
  readonly sentNo: number;
  /** The log is stored in a separate row. */
  readonly hasLogRow?: true | undefined;
}

/** A message that waits for a worker. */
interface SentMessage {
  readonly no: number;
  readonly dueAt: number;
  /** 0: no one has taken it yet. */
  readonly visibleAt: number;
  readonly deliveries: number;
}

/** The time for which a queued attempt waits before it checks the holder of its key. */
const CHECK_AFTER_MS = 60_000;

/** Returns the instant, or a later one when it is hidden. */
export function afterHidden(at: number, hidden: Hidden | undefined): number {
  return hidden?.at === at ? Math.max(at, hidden.until) : at;
}

/** An instant of an attempt, and when it is delivered. */
interface AttemptInstant {
  readonly at: number;
  readonly visibleAt: number;
}

/** Returns a poll or a lapsed lease, with its instant. */
export function findReturn(row: AttemptRow): (AttemptInstant & { readonly kind: "poll" | "lapsedLease" }) | undefined {
  const { poll, lapsedLease } = toAttemptDue(row);
  const at = poll ?? lapsedLease;
  if (at === undefined) return undefined;
  return { kind: poll === undefined ? "lapsedLease" : "poll", at, visibleAt: afterHidden(at, row.hidden) };
}

/** Returns the deadline, or that of a cancel. */
export function toDeadline(row: AttemptRow): (AttemptInstant & { readonly why: "deadline" | "cancel" }) | undefined {
  const { deadline } = toAttemptDue(row);
  return deadline && { ...deadline, visibleAt: afterHidden(deadline.at, row.deadlineHidden) };
}

/** Creates a new attempt: with its message in the queue, or granted to the process that dispatches it. */
export function createAttemptRow(
  dispatch: DispatchAttempt,
  input: { readonly sequence: number; readonly now: number },
  claim: BirthClaim | undefined,
): AttemptRow {
  const { entry, attempt, executor, secrets, message } = dispatch;
  const { sequence, now } = input;
  const begun = beginAttempt(dispatch, now);
  const facts = { entry, attempt, executor, secrets, message, sequence, dispatchedAt: now };
  const row = { ...begun, ...facts, keys: [], sentNo: 0 };
  if (claim === undefined) return send(row, now);
  return claimAtBirth(row, { owner: claim.owner, leaseMs: claim.leaseMs, now });
}

/** Queues the attempt's message, unless it is still queued. */
export function send(row: AttemptRow, now: number): AttemptRow {
  if (row.sent !== undefined) return row;
  const no = row.sentNo + 1;
  return { ...row, sentNo: no, sent: { no, dueAt: now, visibleAt: 0, deliveries: 0 } };
}

/** Returns the row after a claim, without its message. A queued attempt checks its key's holder now and then. */
export function toClaimed(row: AttemptRow, now: number): AttemptRow {
  return { ...row, sent: undefined, checkAt: row.status === "queued" ? now + CHECK_AFTER_MS : undefined };
}

/** The aggregate after a move of an attempt, and what the move leaves to do. */
interface Moved {
  readonly aggregate: Aggregate;
  /** Events of the stack itself, which the same write queues. */
  readonly queued: readonly EventToQueue[];
  readonly follow: FollowUp;
}

/** Applies a move to the attempts of its stack. An attempt that has ended leaves all keys that it noted. Pure. */
export function applyMove(
  aggregate: Aggregate,
  { attempt, effects }: AttemptMove<AttemptRow>,
  { stackId, now }: { readonly stackId: string; readonly now: number },
): Moved {
  const events = effects.flatMap((effect) => (effect.kind === "enqueue" ? [toQueued(effect)] : []));
  const isOwn = ({ event }: EventToQueue) => event.stackId === stackId;
  const queued = events.filter(isOwn);
  const others = events.filter((event) => !isOwn(event));
  const follow: FollowUp = others.length === 0 ? {} : { events: others };
  if (attempt.status !== "settled") {
    const moved = { ...attempt, checkAt: attempt.status === "queued" ? attempt.checkAt : undefined };
    const row = effects.some(({ kind }) => kind === "send") ? send(moved, now) : moved;
    return { aggregate: putAttempt(aggregate, row), queued, follow };
  }
  const { attemptId, keys } = attempt;
  const row: AttemptRow = {
    ...attempt,
    checkAt: undefined,
    sent: undefined,
    deadlineHidden: undefined,
    hidden: undefined,
  };
  const attempts = aggregate.attempts.filter((each) => each.attemptId !== attemptId);
  const leaves = keys.length === 0 ? {} : { leaves: [{ attemptId, keys }] };
  return {
    aggregate: { ...aggregate, attempts, ended: [...aggregate.ended, row] },
    queued,
    follow: { ...follow, ...leaves },
  };
}

function toQueued({ event, notBefore }: EventToQueue): EventToQueue {
  return { event, notBefore };
}

/** Returns the attempt of that id, while it is open. */
export function findOpen({ attempts }: Aggregate, attemptId: string): AttemptRow | undefined {
  return attempts.find((row) => row.attemptId === attemptId);
}

/** Adds an open attempt, or replaces it in its place. */
export function putAttempt(aggregate: Aggregate, row: AttemptRow): Aggregate {
  const { attempts } = aggregate;
  const isKnown = attempts.some(({ attemptId }) => attemptId === row.attemptId);
  const next = isKnown ? attempts.map((each) => (each.attemptId === row.attemptId ? row : each)) : [...attempts, row];
  return { ...aggregate, attempts: next };
}

/** A queued event. */
export interface LaneEvent {
  /** Grows along the queue. */
  readonly no: number;
  /** Its key (`toEventKey`). */
  readonly id: string;
  /** Orders it among other work. */
  readonly dueAt: number;
  /** 0: no one has taken it yet. */
  readonly visibleAt: number;
  readonly deliveries: number;
  readonly event?: QueuedEvent | undefined;
  /** Instead of the event: it is a row of the work table with this sort key. */
  readonly beside?: string | undefined;
}

/** An event to queue, not delivered before that instant. */
export interface EventToQueue {
  readonly event: QueuedEvent;
  readonly notBefore?: number | undefined;
}

/** A queue of ordered events within an aggregate. */
interface Lane {
  readonly events: readonly LaneEvent[];
}

/** The most events of one stack. Names of events take a hundred bytes each. */
const MOST_EVENTS = 1_500;

/** Appends those that are not queued yet. Throws `RATE_LIMITED`, and adds nothing, when there are too many. Pure. */
export function appendEvents<A extends Lane>(
  aggregate: A,
  stackId: string,
  prepared: readonly LaneEvent[],
): { readonly aggregate: A; readonly added: readonly LaneEvent[] } {
  const queued = new Set(aggregate.events.map(({ id }) => id));
  const added: LaneEvent[] = [];
  const events = [...aggregate.events];
  for (const event of prepared) {
    if (queued.has(event.id)) continue;
    queued.add(event.id);
    added.push(event);
    // Numbers come from clocks; within a queue they must increase in any case.
    events.push({ ...event, no: Math.max(event.no, (events.at(-1)?.no ?? 0) + 1) });
  }
  if (added.length > 0 && events.length > MOST_EVENTS) {
    const message = `${MOST_EVENTS} events of the stack ${JSON.stringify(stackId)} wait already. Send more when they are decided.`;
    throw new StackyardError("RATE_LIMITED", message);
  }
  return { aggregate: added.length === 0 ? aggregate : { ...aggregate, events }, added };
}

/** Lists the events that one take may deliver: from the first one on, as long as they are visible. Pure. */
export function listVisible({ events }: Lane, now: number): readonly LaneEvent[] {
  const blocked = events.findIndex(({ visibleAt }) => visibleAt > now);
  return blocked === -1 ? events : events.slice(0, blocked);
}

/**
 * Returns the queue without the events of those numbers, and the sort keys of rows that it does not reference any
 * longer. Pure.
 */
export function removeEvents<A extends Lane>(
  aggregate: A,
  numbers: readonly number[],
): { readonly aggregate: A; readonly unused: readonly string[] } {
  const gone = aggregate.events.filter(({ no }) => numbers.includes(no));
  if (gone.length === 0) return { aggregate, unused: [] };
  const events = aggregate.events.filter(({ no }) => !numbers.includes(no));
  return { aggregate: { ...aggregate, events }, unused: gone.flatMap(({ beside }) => beside ?? []) };
}

/** The row that a receipt of this store identifies. */
export type Receipt =
  | { readonly kind: "event"; readonly no: number; readonly stackId: string }
  | { readonly kind: "task"; readonly no: number; readonly attemptId: string }
  | { readonly kind: "return"; readonly attemptId: string };

/** Returns the receipt of an event. */
export function toEventReceipt(stackId: string, no: number): string {
  return `event:${no}:${stackId}`;
}

/** Returns the receipt of a task message. */
export function toTaskReceipt(attemptId: string, no: number): string {
  return `task:${no}:${attemptId}`;
}

const NUMBERED = /^(event|task):(\d{1,16}):(.*)$/s;
const RETURN = /^(?:poll|lapsedLease):(.*)$/s;

/** Parses a receipt; undefined for a text that is not a receipt of this store. */
export function parseReceipt(receipt: string): Receipt | undefined {
  const [, kind, no, id = ""] = NUMBERED.exec(receipt) ?? [];
  if (kind === "event") return { kind, no: Number(no), stackId: id };
  if (kind === "task") return { kind, no: Number(no), attemptId: id };
  const [, attemptId] = RETURN.exec(receipt) ?? [];
  return attemptId === undefined ? undefined : { kind: "return", attemptId };
}

/** When unfinished writes of a crash are repaired: by then the process that began them no longer works on them. */
const REPAIR_AFTER_MS = 30_000;

/** That an event is parked. Its head and its message are rows of the work table, which the names lead to. */
export interface ParkedMark {
  /** The event's key (`toEventKey`). */
  readonly id: string;
  readonly nextTryAt: number;
  /** The name of the head. */
  readonly name: string;
  readonly message: string;
}

/**
 * The follow-up work of one write outside of its item, until it is done. The version of the write names it: doing it
 * again changes nothing.
 */
export interface OutboxEntry extends FollowUp {
  readonly version: number;
  readonly now: number;
  /** The entry of the stack then: attempts of a later record start above it. */
  readonly entry: number;
}

/** The work that a write leaves. */
export interface FollowUp {
  readonly lines?: readonly HistoryEntry[] | undefined;
  /** Attempts that have ended; they move to the row of the lines. */
  readonly ended?: readonly AttemptRow[] | undefined;
  readonly deadLetters?: readonly DeadLetter[] | undefined;
  /** Entries of the audit log; they become records. */
  readonly audit?: readonly AuditEntry[] | undefined;
  /** Keys that these attempts hold, or may be queued for, no longer. */
  readonly leaves?: readonly { readonly attemptId: string; readonly keys: readonly string[] }[] | undefined;
  /** Events of other stacks. */
  readonly events?: readonly EventToQueue[] | undefined;
  /** Receipts of events and messages of other stacks. */
  readonly receipts?: readonly string[] | undefined;
  /** Sort keys of separate rows that the item no longer references. */
  readonly unused?: readonly string[] | undefined;
}

/** Everything of one stack that a decision or a move needs: one item, and one conditional write is one transition. */
export interface Aggregate extends KnownIds, Lane {
  /** The version of the last write; each has a higher one. 0: nothing was ever written. */
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
  /** The instants that `takeDue` has delivered. */
  readonly timerHidden?: Hidden | undefined;
  readonly parkedHidden?: Hidden | undefined;
  /** The hidden time of a repair that failed. */
  readonly repairHidden?: Hidden | undefined;
}

/** The aggregate of an unknown stack. */
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

/** Returns when each kind of work is due first, with delivered work taken into account. Pure. */
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
    timer: hide(stack && nextTimerAt(stack), timerHidden),
    parked: hide(findEarliest(parked.map(({ nextTryAt }) => nextTryAt)), parkedHidden),
    repair: findEarliest([...checks, hide(findRepairAt(outbox), repairHidden)].flatMap((at) => at ?? [])),
  };
  return Object.fromEntries(Object.entries(times).filter(([, at]) => at !== undefined));
}

/** Returns when the sweep finishes the work that writes have left, unless it failed before. Pure. */
export function findRepairAt(outbox: readonly OutboxEntry[]): number | undefined {
  const at = findEarliest(outbox.map(({ now }) => now));
  return at === undefined ? undefined : at + REPAIR_AFTER_MS;
}

/** Returns the earliest instant of those kinds. Pure. */
export function findNextDueAt(
  times: DueTimes,
  kinds: readonly (keyof DueTimes)[] = Object.keys(times) as (keyof DueTimes)[],
): number | undefined {
  return findEarliest(kinds.flatMap((kind) => times[kind] ?? []));
}

/** Returns the smallest number; undefined without one. */
export function findEarliest(instants: readonly number[]): number | undefined {
  return instants.length === 0 ? undefined : instants.reduce((a, b) => Math.min(a, b));
}

function hide(at: number | undefined, hidden: Hidden | undefined): number | undefined {
  return at === undefined ? undefined : afterHidden(at, hidden);
}

/** Returns true when the item has no content to lose. Pure. */
export function isEmpty({ stack, ids, idCount, parked, events, attempts, ended, outbox }: Aggregate): boolean {
  const count = parked.length + events.length + attempts.length + ended.length + outbox.length + ids.length + idCount;
  return stack === undefined && count === 0;
}
