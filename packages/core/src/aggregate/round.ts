import type { AuditEntry } from "../access/audit-entry.ts";
import { toClaimWithinMs } from "../attempt/attempt.ts";
import { followDecision } from "../machine/decide/decide.ts";
import type { Applied, Decision } from "../machine/decide/decision.ts";
import { type StackEvent, toEventKey } from "../machine/event-message.ts";
import type { Stack } from "../machine/stack.ts";
import type { Ids } from "../ports/clock.ts";
import type {
  AppliedResult,
  CancelAttempt,
  Change,
  DeadLetter,
  HistoryEntry,
  LoadedStack,
  ParkedEvent,
} from "../ports/stack-store.ts";
import { isAudited, type RecordedEvent, toAuditEntry } from "./audited-event.ts";
import { nextOrder } from "./event-order.ts";

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
export function recordEvent({ ids }: { readonly ids: Ids }, round: Round, recorded: RecordedEvent): void {
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
