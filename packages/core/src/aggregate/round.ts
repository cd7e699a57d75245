import type { AuditEntry } from "../access/audit-entry.ts";
import { toClaimWithinMs } from "../attempt/attempt.ts";
import { followDecision } from "../machine/decide/decide.ts";
import { type Applied, type Decision, effectOf } from "../machine/decide/decision.ts";
import { type StackEvent, toEventKey } from "../machine/event-message.ts";
import type { Stack } from "../machine/stack.ts";
import type { Ids } from "../ports/clock.ts";
import { toParkedHead } from "../ports/parked-head.ts";
import type {
  AppliedResult,
  CancelAttempt,
  Change,
  DeadLetter,
  HistoryEntry,
  LoadedStack,
  ParkedEvent,
  ParkedHead,
} from "../ports/stack-store.ts";
import { isAudited, type RecordedEvent, toAuditEntry } from "./audited-event.ts";
import { nextOrder } from "./event-order.ts";

/** One unit of work: the effects that the engine collects for one stack until it commits them as one change. */
export interface Round {
  readonly loaded: LoadedStack;
  readonly now: number;
  /** The stack as it would be after the commit. */
  stack: Stack | undefined;
  /** Heads of parked events by their keys (`toEventKey`), oldest first, as they would be after the commit. */
  readonly parked: Map<string, ParkedHead>;
  /** Parked events that are loaded or were parked by this unit of work, by their keys. */
  readonly parkedEvents: Map<string, ParkedEvent>;
  readonly appliedIds: Set<string>;
  /** Keys of events that the store has reported as applied before. */
  readonly knownIds: ReadonlySet<string>;
  /** Events that are parked, or whose messages have changed. */
  readonly reparked: Map<string, ParkedEvent>;
  /** Heads of events that stay parked with their messages. */
  readonly retried: Map<string, ParkedHead>;
  readonly unparked: Set<string>;
  /** Keys of parked events whose stack was removed in this unit of work. */
  readonly outlived: Set<string>;
  /** False while none of the collections of parked events was used. */
  readonly isParkingUsed: boolean;
  readonly deadLetters: DeadLetter[];
  readonly history: HistoryEntry[];
  readonly audit: AuditEntry[];
  readonly dispatches: Change["dispatches"][number][];
  readonly resends: string[];
  readonly cancels: CancelAttempt[];
  readonly endedAttempts: string[];
  readonly receipts: string[];
  readonly results: AppliedResult[];
}

interface RoundInput {
  readonly now: number;
  readonly knownIds: ReadonlySet<string>;
  readonly parkedEvents?: ReadonlyMap<string, ParkedEvent>;
}

/** Begins a unit of work on a loaded stack. */
export function beginRound(loaded: LoadedStack, input: RoundInput): Round {
  return new OpenRound(loaded, input);
}

/** The collections of parked events, which most units of work do not need, are made when they are first used. */
class OpenRound implements Round {
  readonly loaded: LoadedStack;
  readonly now: number;
  readonly knownIds: ReadonlySet<string>;
  stack: Stack | undefined;
  readonly appliedIds = new Set<string>();
  readonly deadLetters: DeadLetter[] = [];
  readonly history: HistoryEntry[] = [];
  readonly audit: AuditEntry[] = [];
  readonly dispatches: Change["dispatches"][number][] = [];
  readonly resends: string[] = [];
  readonly cancels: CancelAttempt[] = [];
  readonly endedAttempts: string[] = [];
  readonly receipts: string[] = [];
  readonly results: AppliedResult[] = [];
  #given: ReadonlyMap<string, ParkedEvent> | undefined;
  #parking: Parking | undefined;

  constructor(loaded: LoadedStack, { now, knownIds, parkedEvents }: RoundInput) {
    this.loaded = loaded;
    this.now = now;
    this.knownIds = knownIds;
    this.stack = loaded.stack;
    this.#given = parkedEvents;
  }

  get isParkingUsed(): boolean {
    return this.#parking !== undefined;
  }

  get #used(): Parking {
    this.#parking ??= {
      parked: new Map(this.loaded.parked.map((head) => [toEventKey(head.event), head])),
      parkedEvents: new Map(this.#given),
      reparked: new Map(),
      retried: new Map(),
      unparked: new Set(),
      outlived: new Set(),
    };
    return this.#parking;
  }

  get parked(): Round["parked"] {
    return this.#used.parked;
  }

  get parkedEvents(): Round["parkedEvents"] {
    return this.#used.parkedEvents;
  }

  get reparked(): Round["reparked"] {
    return this.#used.reparked;
  }

  get retried(): Round["retried"] {
    return this.#used.retried;
  }

  get unparked(): Round["unparked"] {
    return this.#used.unparked;
  }

  get outlived(): Round["outlived"] {
    return this.#used.outlived;
  }
}

type Parking = Pick<Round, "parked" | "parkedEvents" | "reparked" | "retried" | "unparked" | "outlived">;

/** Returns true when no event of the stack is parked, and this unit of work parks none. */
export function hasNoParked({ isParkingUsed, loaded }: Round): boolean {
  return !isParkingUsed && loaded.parked.length === 0;
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
  // A raised event comes with the one that has raised it, which is applied once, unless it was parked.
  const isOnce = decision.kind === "applied" && (event.raised === undefined || event.message !== undefined);
  if (isOnce) round.appliedIds.add(toEventKey(event));
  const effect = effectOf(decision);
  if (effect !== undefined) return takeEffect(round, event, effect, runners.everyRunnerClaims);
  // It has been answered. A second delivery must not act on what comes after.
  if (decision.kind === "ignored" && decision.code === "EVENT_REPEATED") round.appliedIds.add(toEventKey(event));
  if (decision.kind !== "applied" && decision.endedAttempt !== undefined)
    round.endedAttempts.push(decision.endedAttempt);
  round.stack = followDecision(round.stack, decision);
  return false;
}

function takeEffect(round: Round, event: StackEvent, decision: Applied, everyRunnerClaims: boolean): boolean {
  const before = round.stack;
  for (const dispatch of decision.dispatches) {
    const claimWithinMs = toClaimWithinMs(dispatch.timeoutMs, everyRunnerClaims);
    round.dispatches.push({ ...dispatch, claimWithinMs, cause: event.id });
  }
  round.resends.push(...(decision.resends ?? []).map(({ attemptId }) => attemptId));
  round.endedAttempts.push(...decision.endedAttempts);
  for (const cancel of decision.cancels) round.cancels.push({ ...cancel, unclaimedAtOnce: everyRunnerClaims });
  round.stack = followDecision(before, decision);
  return before === undefined || decision.removed || MATTERS.some((key) => before[key] !== decision.stack[key]);
}

/** The fields on which the reaction to a parked event may depend. */
const MATTERS = ["entry", "machineHash", "metadata", "tasks", "outputs"] as const;

/** Parks an event. The message of one that is parked already is written only when it has changed. */
export function park(round: Round, { order, ...again }: ParkedEvent): void {
  const key = toEventKey(again.event);
  const parked = { ...again, order: order ?? nextOrder(round) };
  const head = toParkedHead(parked);
  const isSame = round.parkedEvents.get(key)?.event.message === again.event.message;
  const isKept = isSame && round.parked.has(key) && !round.reparked.has(key);
  round.parked.set(key, head);
  round.parkedEvents.set(key, parked);
  if (isKept) round.retried.set(key, head);
  else round.reparked.set(key, parked);
}

/** Removes an event from the parked ones. */
export function unpark(round: Round, event: Pick<StackEvent, "origin" | "id">): void {
  if (hasNoParked(round)) return;
  const key = toEventKey(event);
  round.parked.delete(key);
  round.reparked.delete(key);
  round.retried.delete(key);
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
    park: round.isParkingUsed ? [...round.reparked.values()] : [],
    unpark: round.isParkingUsed ? [...round.unparked] : [],
    deadLetters: round.deadLetters,
    history: round.history,
    dispatches: round.dispatches,
    cancels: round.cancels,
    endedAttempts: round.endedAttempts.filter((id) => !round.results.some(({ grant }) => grant.attemptId === id)),
    receipts: round.receipts,
    ...(round.resends.length > 0 && { resends: round.resends }),
    ...(round.isParkingUsed && round.retried.size > 0 && { retried: toRetried(round) }),
    ...(round.results.length > 0 && { results: round.results }),
    ...(round.audit.length > 0 && { audit: round.audit }),
    now: round.now,
  };
}

function toRetried({ retried, reparked }: Round): readonly ParkedHead[] {
  return [...retried].flatMap(([key, head]) => (reparked.has(key) ? [] : [head]));
}

/** Returns true when the change is empty. */
export function isEmpty(change: Change): boolean {
  if (change.write.kind !== "keep" || change.appliedIds.length > 0) return false;
  return [
    change.park,
    change.retried ?? [],
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
function parksMore(round: Round): boolean {
  if (!round.isParkingUsed || round.reparked.size === 0) return false;
  const { loaded, reparked } = round;
  const before = new Set(loaded.parked.map(({ event }) => toEventKey(event)));
  return [...reparked.keys()].some((key) => !before.has(key));
}
