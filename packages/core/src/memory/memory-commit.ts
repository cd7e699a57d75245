import { AttemptBook, type AttemptSink, type EndedAttempt } from "../in-process/attempt-book.ts";
import { createDueIndex } from "../in-process/queue.ts";
import { readAttemptSecrets } from "../machine/decide/work.ts";
import { toEventKey } from "../machine/event-message.ts";
import type { TaskMessage } from "../machine/task-message.ts";
import type { Retention } from "../ports/stack-queries.ts";
import type { Change, CommitResult, QueuedEvent } from "../ports/stack-store.ts";
import type { StoreSignal } from "../ports/store.ts";
import { createMemoryEvents, createMemorySetAside } from "./memory-events.ts";
import { createMemoryHistory } from "./memory-history.ts";
import { createMemoryRecords } from "./memory-records.ts";
import { createMemoryStacks, type StackRow, toEarliest } from "./memory-stacks.ts";
import { toFrozen } from "./memory-value.ts";

/** The state of a memory store. */
export interface MemoryState extends ReturnType<typeof createParts> {
  readonly sink: AttemptSink<TaskMessage>;
  /** False when the event's key is queued, parked or applied. */
  readonly enqueue: (event: QueuedEvent, notBefore?: number) => boolean;
  readonly notify: (kind: StoreSignal["kind"]) => void;
}

function createParts() {
  return {
    stacks: createMemoryStacks(),
    attempts: new AttemptBook<TaskMessage>({
      keepMessage: (message) => message,
      readMessage: (message) => message,
    }),
    ended: createEndedAttempts(),
    events: createMemoryEvents(),
    timers: createDueIndex(),
    parked: createDueIndex(),
    history: createMemoryHistory(),
    setAside: createMemorySetAside(),
    records: createMemoryRecords(),
  };
}

/** An empty store. */
export function createMemoryState(notify: MemoryState["notify"]): MemoryState {
  const parts = createParts();
  const { stacks, events, ended } = parts;

  function enqueue(event: QueuedEvent, notBefore?: number): boolean {
    const known = stacks.find(event.stackId);
    if (known?.applied.has(toEventKey(event)) || known?.parked.has(toEventKey(event))) return false;
    const isAdded = events.add(toFrozen(event), notBefore);
    if (isAdded) notify("event");
    return isAdded;
  }

  const sink: AttemptSink<TaskMessage> = {
    changed: () => undefined,
    ended: (attempt) => ended.add(attempt),
    sent: () => notify("task"),
    enqueue,
    hasEnded: ({ attemptId }) => ended.find(attemptId) !== undefined,
    readSecrets: ({ attemptId, stackId }, refs) => readAttemptSecrets(stacks.find(stackId)?.stack, attemptId, refs),
  };
  return { ...parts, sink, enqueue, notify };
}

/** Writes one change whole, or nothing of it. */
export function commitChange(state: MemoryState, input: Change): CommitResult {
  const { stacks, attempts, events } = state;
  const { stackId, results = [], claims = [] } = input;
  const found = stacks.find(stackId);
  const version = found?.stack === undefined ? 0 : found.version;
  if (version !== input.expectedVersion) return { kind: "conflict" };
  const eventIds = findKnownIds(found, input);
  if (eventIds.length > 0) return { kind: "duplicate", eventIds };
  const lost = attempts.findLost(results);
  if (lost.length > 0) return { kind: "lost", attemptIds: lost };
  if (results.length > 0 && events.hasOthers(stackId, input.acknowledges)) return { kind: "behind" };
  const change = toFrozen(input);
  const written = writeRows(state, change);
  const grants = attempts.commit(state.sink, change);
  return { kind: "committed", version: written, ...(claims.length === 0 ? {} : { grants }) };
}

function findKnownIds(row: StackRow | undefined, { appliedIds, park, setAside }: Change): readonly string[] {
  if (row === undefined) return [];
  const ids = [...appliedIds, ...[...park, ...setAside].map(({ event }) => toEventKey(event))];
  return [...new Set(ids)].filter((id) => row.applied.has(id));
}

/** Writes all but the attempts, and returns the version afterwards. */
function writeRows(state: MemoryState, change: Change): number {
  const { stacks, timers, parked, history, setAside } = state;
  const row = stacks.require(change.stackId);
  const version = stacks.write(row.id, change.write);
  for (const id of change.appliedIds) row.applied.set(id, change.now);
  for (const entry of change.setAside) setAside.add(entry);
  for (const entry of change.history) history.append(entry);
  if (change.history.length > 0) state.notify("history");
  for (const receipt of change.acknowledges) acknowledge(state, receipt);
  if (change.park.length > 0 || change.unpark.length > 0) parked.set(row.id, stacks.park(row.id, change));
  if (change.write.kind === "keep") return version;
  // Afresh at each write: another timer may be due at the instant of one that was taken.
  timers.set(row.id, undefined);
  timers.set(row.id, toEarliest((row.stack?.timers ?? []).map(({ dueAt }) => dueAt)));
  return version;
}

/** Removes a row of a queue; an unknown receipt is passed over. */
export function acknowledge({ events, attempts, sink }: MemoryState, receipt: string): void {
  events.remove(receipt);
  attempts.acknowledge(sink, receipt);
}

const HISTORY_PRUNED_AT_ONCE = 10_000;

/** Removes what is older than it is kept; true when more is left. */
export function prune(
  { stacks, ended, history, setAside, records }: MemoryState,
  retention: Retention,
  now: number,
): boolean {
  stacks.pruneEventIds(retention, now);
  ended.prune(now - retention.settledAttemptMs);
  setAside.prune(now - retention.setAsideMs);
  records.removeExpired(now);
  return history.prune(now - retention.historyMs, HISTORY_PRUNED_AT_ONCE);
}

const ENDED_LISTED = 50;

/** Attempts that have ended. */
function createEndedAttempts() {
  const byId = new Map<string, EndedAttempt>();
  const ofStacks = new Map<string, Set<EndedAttempt>>();
  return {
    add(attempt: EndedAttempt): void {
      const { attemptId, stackId } = attempt.view;
      byId.set(attemptId, attempt);
      ofStacks.set(stackId, (ofStacks.get(stackId) ?? new Set()).add(attempt));
    },
    find: (attemptId: string) => byId.get(attemptId)?.view,
    /** The last ones of a stack. */
    listOf: (stackId: string) => [...(ofStacks.get(stackId) ?? [])].slice(-ENDED_LISTED),
    /** Removes what ended before that instant. */
    prune(before: number): void {
      for (const attempt of byId.values()) {
        if (attempt.settledAt >= before) continue;
        const { attemptId, stackId } = attempt.view;
        byId.delete(attemptId);
        const ofStack = ofStacks.get(stackId);
        ofStack?.delete(attempt);
        if (ofStack?.size === 0) ofStacks.delete(stackId);
      }
    },
  };
}
