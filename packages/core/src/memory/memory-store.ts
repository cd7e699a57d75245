import { StackyardError } from "../errors/stackyard-error.ts";
import { AttemptBook, type AttemptSink, type EndedAttempt } from "../in-process/attempt-book.ts";
import { createDueIndex, type DueIndex, type DueSource, findNextDueAt, takeFrom } from "../in-process/queue.ts";
import { readAttemptSecrets } from "../machine/decide/work.ts";
import { toEventKey } from "../machine/event-message.ts";
import type { TaskMessage } from "../machine/task-message.ts";
import type { Revision } from "../ports/locator.ts";
import type { Change, CommitResult, DueItem, DueKind, QueuedEvent, WorkQueue } from "../ports/stack-store.ts";
import type { Retention, Revisions, StackQueries, Store, StoreSignal } from "../ports/store.ts";
import { createMemoryDeadLetters, createMemoryEvents, createMemoryHistory } from "./memory-events.ts";
import { toFrozen } from "./memory-lists.ts";
import { createMemoryRecords } from "./memory-records.ts";
import { createMemoryStacks, type StackRow, toEarliest } from "./memory-stacks.ts";

/** A store that ends with its process, for tests, simulation and benchmarks. Every call is whole: it never yields. */
export function createMemoryStore(): Store {
  const { guard, close } = createGuard();
  const { watch, notify } = createWatch();
  const state = createMemoryState(notify);
  const { stacks, attempts, ended, records, sink } = state;
  return {
    load: guard((ids) => ids.map(stacks.load)),
    commit: guard((changes) => changes.map((change) => commitChange(state, change))),
    claim: guard((input) => attempts.claim(sink, input)),
    renew: guard((grant, input) => attempts.renew(grant, input)),
    suspend: guard((grant, input) => attempts.suspend(sink, grant, toFrozen(input))),
    settle: guard((grant, input) => attempts.settle(sink, grant, input)),
    findAttempt: guard((attemptId) => {
      const attempt = attempts.find(attemptId);
      return attempt === undefined ? ended.find(attemptId) : attempts.view(attempt);
    }),
    findTaskMessage: guard((attemptId) => attempts.findMessage(attemptId)),
    ...guardQueue(guard, state),
    queries: guardQueries(guard, state),
    prune: guard((retention, now) => prune(state, retention, now)),
    revisions: createRevisions(guard),
    records: {
      get: guard(records.get),
      put: guard(records.put),
      remove: guard(records.remove),
      list: guard(records.list),
    },
    watch,
    close: async () => close(),
  };
}

function guardQueue(guard: Guard, state: MemoryState): WorkQueue {
  const { attempts, events, sink } = state;
  const sources: Readonly<Record<DueKind, DueSource>> = {
    event: events.source,
    task: attempts.toDueSource("task"),
    timer: toDueSource(state.timers, (stackId, dueAt) => ({ kind: "timer", stackId, dueAt })),
    parked: toDueSource(state.parked, (stackId, dueAt) => ({ kind: "parked", stackId, dueAt })),
    deadline: attempts.toDueSource("deadline"),
    poll: attempts.toDueSource("poll"),
    lapsedLease: attempts.toDueSource("lapsedLease"),
  };
  let takes = 0;
  return {
    enqueue: guard((added) => added.map((event) => state.enqueue(event))),
    takeDue: guard(({ kinds, limit, now, leaseMs }) => {
      takes += 1;
      const asked = kinds.map((kind) => sources[kind]);
      return takeFrom(asked, { number: takes, now, leaseMs }, limit);
    }),
    release: guard((receipts, visibleAt) => {
      for (const receipt of receipts) {
        if (visibleAt === undefined) {
          acknowledge(state, receipt);
        } else {
          events.giveBack(receipt, visibleAt);
          attempts.giveBack(sink, receipt, visibleAt);
        }
      }
    }),
    nextDueAt: guard((kinds) => findNextDueAt(kinds.map((kind) => sources[kind]))),
  };
}

function toDueSource(index: DueIndex, toItem: (key: string, dueAt: number) => DueItem): DueSource {
  return {
    findDueAt: ({ now }) => index.findDue(now)?.dueAt,
    takeOne({ now, leaseMs }) {
      const due = index.findDue(now);
      if (due === undefined) return undefined;
      index.hide(due.key, now + leaseMs);
      return toItem(due.key, due.dueAt);
    },
    nextDueAt: index.nextDueAt,
  };
}

function guardQueries(guard: Guard, state: MemoryState): StackQueries {
  const { stacks, attempts, ended, events, history, deadLetters } = state;
  return {
    listStacks: guard(stacks.list),
    listHistory: guard(history.list),
    listAttempts: guard((stackId) => attempts.listWith(ended.listOf(stackId), stackId)),
    listParkedStackIds: guard(stacks.listParkedIds),
    listDeadLetters: guard(deadLetters.list),
    redrive: guard((ids) =>
      ids.filter((id) => {
        const entry = deadLetters.remove(id);
        if (entry !== undefined) state.enqueue(entry.event);
        return entry !== undefined;
      }),
    ),
    stats: guard(() => ({
      ...stacks.count(),
      queuedEvents: events.size,
      queuedTasks: attempts.tasks.size,
      deadLetters: deadLetters.size,
      openAttempts: attempts.size,
    })),
  };
}

/** Sources of machines by hash. */
function createRevisions(guard: Guard): Revisions {
  const byHash = new Map<string, Revision>();
  return {
    put: guard((revision) => {
      if (!byHash.has(revision.hash)) byHash.set(revision.hash, toFrozen(revision));
    }),
    get: guard((hash) => byHash.get(hash)),
    findHashes: guard((name, prefix) =>
      [...byHash.values()]
        .filter((revision) => revision.name === name && revision.hash.startsWith(prefix))
        .map(({ hash }) => hash)
        .sort()
        .slice(0, 10),
    ),
  };
}

/** Makes a call of the port out of a function that runs in one go. */
type Guard = <Args extends readonly unknown[], Result>(
  run: (...args: Args) => Result | Promise<Result>,
) => (...args: Args) => Promise<Result>;

/** Calls fail with `STORE_CLOSED` after `close`. */
function createGuard(): { readonly guard: Guard; close(): void } {
  let isClosed = false;
  return {
    guard:
      (run) =>
      async (...args) => {
        if (isClosed) throw new StackyardError("STORE_CLOSED", "The store is closed. Open it again before you use it.");
        return await run(...args);
      },
    close() {
      isClosed = true;
    },
  };
}

/** Signals of one call are sent together, so that a commit of many events wakes no listener twice. */
function createWatch() {
  const listeners = new Set<(signal: StoreSignal) => void>();
  const pending = new Set<StoreSignal["kind"]>();

  function send(): void {
    const kinds = [...pending];
    pending.clear();
    for (const kind of kinds) {
      for (const listener of listeners) listener({ kind });
    }
  }

  return {
    watch(listener: (signal: StoreSignal) => void): () => void {
      // One function may listen twice.
      const own = (signal: StoreSignal) => listener(signal);
      listeners.add(own);
      return () => {
        listeners.delete(own);
      };
    },
    notify(kind: StoreSignal["kind"]): void {
      if (listeners.size === 0) return;
      if (pending.size === 0) queueMicrotask(send);
      pending.add(kind);
    },
  };
}

/** The state of a memory store. */
interface MemoryState extends ReturnType<typeof createParts> {
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
    deadLetters: createMemoryDeadLetters(),
    records: createMemoryRecords(),
  };
}

/** An empty store. */
function createMemoryState(notify: MemoryState["notify"]): MemoryState {
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
function commitChange(state: MemoryState, input: Change): CommitResult {
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

function findKnownIds(row: StackRow | undefined, { appliedIds, park, deadLetters }: Change): readonly string[] {
  if (row === undefined) return [];
  const ids = [...appliedIds, ...[...park, ...deadLetters].map(({ event }) => toEventKey(event))];
  return [...new Set(ids)].filter((id) => row.applied.has(id));
}

/** Writes all but the attempts, and returns the version afterwards. */
function writeRows(state: MemoryState, change: Change): number {
  const { stacks, timers, parked, history, deadLetters } = state;
  const row = stacks.require(change.stackId);
  const version = stacks.write(row.id, change.write);
  for (const id of change.appliedIds) row.applied.set(id, change.now);
  for (const entry of change.deadLetters) deadLetters.add(entry);
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

/** Removes a row of a queue; ignores unknown receipts. */
function acknowledge({ events, attempts, sink }: MemoryState, receipt: string): void {
  events.remove(receipt);
  attempts.acknowledge(sink, receipt);
}

const HISTORY_PRUNED_AT_ONCE = 10_000;

/** Removes what is older than it is kept; true when more is left. */
function prune(
  { stacks, ended, history, deadLetters, records }: MemoryState,
  retention: Retention,
  now: number,
): boolean {
  stacks.pruneEventIds(retention, now);
  ended.prune(now - retention.settledAttemptMs);
  deadLetters.prune(now - retention.deadLetterMs);
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
