import type { Applied, Decision } from "../machine/decide/decision.ts";
import { followDecision } from "../machine/decide/follow-decision.ts";
import { type StackEvent, toEventKey } from "../machine/message/event.ts";
import type { Stack } from "../machine/stack.ts";
import type {
  CancelAttempt,
  Change,
  HistoryEntry,
  LoadedStack,
  ParkedEvent,
  SetAsideEvent,
} from "../ports/stack-store.ts";

/** What one round of the engine gathers for one stack until it is committed as one change. */
export interface Round {
  readonly loaded: LoadedStack;
  readonly now: number;
  /** As it would be after the commit. */
  stack: Stack | undefined;
  /** Parked events by their keys (`toEventKey`), oldest first, as they would be after the commit. */
  readonly parked: Map<string, ParkedEvent>;
  readonly appliedIds: Set<string>;
  /** Keys that the store said were applied before. */
  readonly knownIds: ReadonlySet<string>;
  readonly reparked: Map<string, ParkedEvent>;
  readonly unparked: Set<string>;
  readonly setAside: SetAsideEvent[];
  readonly history: HistoryEntry[];
  readonly dispatches: Change["dispatches"][number][];
  readonly cancels: CancelAttempt[];
  readonly closes: string[];
  readonly acknowledges: string[];
}

/** Begins a round on a stack as loaded. */
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
    setAside: [],
    history: [],
    dispatches: [],
    cancels: [],
    closes: [],
    acknowledges: [],
  };
}

/**
 * Takes a decision into the round. True when state, metadata or the machine's revision changed, so that parked events
 * get another try.
 */
export function takeDecision(round: Round, event: StackEvent, decision: Decision, unclaimedAtOnce: boolean): boolean {
  if (decision.kind === "applied") return takeApplied(round, event, decision, unclaimedAtOnce);
  if (decision.closes !== undefined) round.closes.push(decision.closes);
  round.stack = followDecision(round.stack, decision);
  return false;
}

function takeApplied(round: Round, event: StackEvent, decision: Applied, unclaimedAtOnce: boolean): boolean {
  const before = round.stack;
  round.appliedIds.add(toEventKey(event));
  round.dispatches.push(...decision.dispatches);
  round.closes.push(...decision.closes);
  for (const cancel of decision.cancels) round.cancels.push({ ...cancel, unclaimedAtOnce });
  round.stack = followDecision(before, decision);
  return (
    before === undefined ||
    decision.removed ||
    before.entry !== decision.stack.entry ||
    before.machineHash !== decision.stack.machineHash ||
    before.metadata !== decision.stack.metadata
  );
}

/** Notes that an event waits for its stack to change. */
export function park(round: Round, parked: ParkedEvent): void {
  const key = toEventKey(parked.event);
  round.parked.set(key, parked);
  round.reparked.set(key, parked);
}

/** Notes that an event is parked no more. */
export function unpark(round: Round, event: Pick<StackEvent, "origin" | "id">): void {
  const key = toEventKey(event);
  round.parked.delete(key);
  round.reparked.delete(key);
  if (round.loaded.parked.some((parked) => toEventKey(parked.event) === key)) round.unparked.add(key);
}

/** The round as one change. */
export function toChange(round: Round): Change {
  return {
    stackId: round.loaded.stackId,
    expectedVersion: round.loaded.version,
    write: toWrite(round),
    appliedIds: [...round.appliedIds],
    park: [...round.reparked.values()],
    unpark: [...round.unparked],
    setAside: round.setAside,
    history: round.history,
    dispatches: round.dispatches,
    cancels: round.cancels,
    closes: round.closes,
    acknowledges: round.acknowledges,
    now: round.now,
  };
}

/** True when there is nothing to commit. */
export function isEmpty(change: Change): boolean {
  if (change.write.kind !== "keep" || change.appliedIds.length > 0) return false;
  return [
    change.park,
    change.unpark,
    change.setAside,
    change.history,
    change.cancels,
    change.closes,
    change.acknowledges,
  ].every((list) => list.length === 0);
}

function toWrite({ loaded, stack }: Round): Change["write"] {
  if (stack === loaded.stack) return { kind: "keep" };
  return stack === undefined ? { kind: "remove" } : { kind: "put", stack };
}
