import { toPendingKey } from "../access/audit-entry.ts";
import { AttemptBook, type AttemptSink, type EndedAttempt } from "../in-process/attempt-book.ts";
import { listOpenAttempts } from "../in-process/open-attempts.ts";
import {
  createDueIndex,
  type DueIndex,
  type DueSource,
  findNextDueAt,
  takeFrom,
  toDueSource,
} from "../in-process/queue.ts";
import { readAttemptSecrets } from "../machine/decide/runs.ts";
import { nextTimerAt } from "../machine/decide/timers.ts";
import { toEventKey } from "../machine/event-message.ts";
import { defined } from "../machine/json.ts";
import { silentLogger } from "../ports/executor.ts";
import type { KeptRevision, ListedRevision } from "../ports/locator.ts";
import { comparePlaces, toRevisionOrder } from "../ports/stack-filter.ts";
import type { AttemptView, Change, CommitResult, QueuedEvent } from "../ports/stack-store.ts";
import type { Retention, Revisions, StackQueries, Store, StoreSignal } from "../ports/store.ts";
import {
  createClosable,
  createStoreListeners,
  MAX_SETTLED_LISTED,
  type PortCalls,
  toForgottenBefore,
} from "../ports/store-helpers.ts";
import type { StoreMemory } from "../ports/store-memory.ts";
import type { DueKind, WorkQueue } from "../ports/work-queue.ts";
import {
  createMemoryDeadLetters,
  createMemoryEvents,
  createMemoryHistory,
  type MemoryDeadLetters,
  type MemoryEvents,
  type MemoryHistory,
} from "./memory-events.ts";
import { toFrozen, toPage } from "./memory-lists.ts";
import { createMemoryRecords, type MemoryRecords } from "./memory-records.ts";
import {
  addRemembered,
  countStacks,
  forgetRemoved,
  isRemembered,
  listParkedIds,
  listRemembered,
  listStacks,
  loadParked,
  loadStack,
  parkEvents,
  pruneEventIds,
  readStackStats,
  requireRow,
  type StackRow,
  type StackRows,
  writeStack,
} from "./memory-stacks.ts";

/**
 * Creates a store that ends with its process, for tests, simulation and benchmarks. Every call is atomic: it runs
 * without interruption.
 */
export function createMemoryStore(): Store {
  const { watch, notify } = createSignals();
  const state = createMemoryState(notify);
  const { stacks, attempts, ended, records, sink } = state;
  const store = createClosable<Omit<Store, "watch" | "close">>({
    load: (ids) => ids.map((id) => loadStack(stacks, id)),
    loadParked: (stackId, keys) => loadParked(stacks, stackId, keys),
    commit: (changes) => changes.map((change) => commitChange(state, change)),
    claim: (input) => attempts.claim(sink, input),
    renew: (grant, input) => {
      if (input.message !== undefined) notify("progress");
      return attempts.renew(grant, input);
    },
    suspend: (grant, input) => {
      notify("progress");
      return attempts.suspend(sink, grant, toFrozen(input));
    },
    settle: (grant, input) => attempts.settle(sink, grant, input),
    findAttempt: (attemptId) => {
      const attempt = attempts.find(attemptId);
      return attempt === undefined ? ended.find(attemptId) : attempts.view(attempt);
    },
    findTaskMessage: (attemptId) => attempts.findMessage(attemptId),
    ...createQueueCalls(state),
    queries: createQueries(state),
    memory: createMemoryOf(stacks),
    prune: (retention, now) => prune(state, retention, now),
    correctAttempts: (now) => attempts.correctInstants(sink, now),
    revisions: createRevisions(),
    records,
  });
  return { ...store, watch };
}

function createQueueCalls(state: MemoryState): PortCalls<WorkQueue> {
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
    enqueue: (added) => added.map((event) => state.enqueue(event)),
    takeDue({ kinds, limit, now, leaseMs }) {
      takes += 1;
      const asked = kinds.map((kind) => sources[kind]);
      return takeFrom(asked, { number: takes, now, leaseMs }, limit);
    },
    release(receipts, visibleAt) {
      for (const receipt of receipts) {
        if (visibleAt === undefined) {
          acknowledge(state, receipt);
        } else {
          events.giveBack(receipt, visibleAt);
          attempts.giveBack(sink, receipt, visibleAt);
        }
      }
    },
    nextDueAt: (kinds) => findNextDueAt(kinds.map((kind) => sources[kind])),
  };
}

function createQueries(state: MemoryState): PortCalls<StackQueries> {
  const { stacks, attempts, ended, events, history, deadLetters } = state;
  return {
    listStacks: (filter, page) => listStacks(stacks, filter, page),
    countStacks: (filter, by) => countStacks(stacks, filter, by),
    listHistory: history.list,
    listOpenAttempts: (filter, page) => listOpenAttempts(attempts, filter, page),
    listAttempts: (stackId) => attempts.listWith(ended.listOf(stackId), stackId),
    listParkedStackIds: (page) => listParkedIds(stacks, page),
    listDeadLetters: deadLetters.list,
    redrive: (ids) =>
      ids.filter((id) => {
        const entry = deadLetters.remove(id);
        if (entry !== undefined) state.enqueue(entry.event);
        return entry !== undefined;
      }),
    dismiss: (ids) => ids.filter((id) => deadLetters.remove(id) !== undefined),
    stats: () => ({
      ...readStackStats(stacks),
      queuedEvents: events.size,
      queuedTasks: attempts.tasks.size,
      deadLetters: deadLetters.size,
      openAttempts: attempts.size,
      ...defined({ oldestEventAt: events.oldestAt }),
    }),
  };
}

function createMemoryOf(stacks: StackRows): PortCalls<StoreMemory> {
  return {
    list: (page) => listRemembered(stacks, page),
    add(entries) {
      for (const entry of entries) addRemembered(stacks, entry);
    },
    findMissing: (entries) => entries.filter((entry) => !isRemembered(stacks, entry)),
  };
}

/** Sources of machines by hash. */
function createRevisions(): PortCalls<Revisions> {
  const byHash = new Map<string, KeptRevision>();
  return {
    put(revision, now) {
      if (!byHash.has(revision.hash)) byHash.set(revision.hash, toFrozen({ ...revision, firstSeenAt: now }));
    },
    get: (hash) => byHash.get(hash),
    list(name, page) {
      const order = toRevisionOrder(page);
      const toPlace = ({ hash, firstSeenAt }: ListedRevision) => ({ value: firstSeenAt, id: hash });
      const listed = [...byHash.values()]
        .filter((revision) => revision.name === name)
        .map(({ source: _, ...rest }): ListedRevision => rest)
        .filter((each) => order.after === undefined || comparePlaces(order, toPlace(each), order.after) > 0)
        .sort((a, b) => comparePlaces(order, toPlace(a), toPlace(b)));
      return toPage(listed, page, (each) => order.toCursor(toPlace(each)));
    },
    findHashes: (name, prefix) =>
      [...byHash.values()]
        .filter((revision) => revision.name === name && revision.hash.startsWith(prefix))
        .map(({ hash }) => hash)
        .sort()
        .slice(0, 10),
  };
}

/** Signals of one call are sent together, so that a commit of many events wakes no listener twice. */
function createSignals() {
  const { watch, notify } = createStoreListeners(silentLogger);
  const pending = new Set<StoreSignal["kind"]>();
  return {
    watch,
    notify(kind: StoreSignal["kind"]): void {
      if (pending.size === 0) {
        queueMicrotask(() => {
          notify([...pending]);
          pending.clear();
        });
      }
      pending.add(kind);
    },
  };
}

/** The state of a memory store. */
interface MemoryState extends MemoryParts {
  readonly sink: AttemptSink;
  /** Queues an event. Returns false when its key is queued, parked or applied. */
  readonly enqueue: (event: QueuedEvent, notBefore?: number) => boolean;
  readonly notify: (kind: StoreSignal["kind"]) => void;
}

interface MemoryParts {
  readonly stacks: StackRows;
  readonly attempts: AttemptBook;
  readonly ended: EndedAttempts;
  readonly events: MemoryEvents;
  readonly timers: DueIndex;
  readonly parked: DueIndex;
  readonly history: MemoryHistory;
  readonly deadLetters: MemoryDeadLetters;
  readonly records: MemoryRecords;
}

function createParts(): MemoryParts {
  return {
    stacks: new Map(),
    attempts: new AttemptBook(),
    ended: createEndedAttempts(),
    events: createMemoryEvents(),
    timers: createDueIndex(),
    parked: createDueIndex(),
    history: createMemoryHistory(),
    deadLetters: createMemoryDeadLetters(),
    records: createMemoryRecords(),
  };
}

/** Creates an empty store. */
function createMemoryState(notify: MemoryState["notify"]): MemoryState {
  const parts = createParts();
  const { stacks, events, ended } = parts;

  function enqueue(event: QueuedEvent, notBefore?: number): boolean {
    const known = stacks.get(event.stackId);
    if (known?.applied.has(toEventKey(event)) || known?.parked.has(toEventKey(event))) return false;
    const isAdded = events.add(toFrozen(event), notBefore);
    if (isAdded) notify("event");
    return isAdded;
  }

  const sink: AttemptSink = {
    changed: () => undefined,
    ended: (attempt) => ended.add(attempt),
    sent: () => notify("task"),
    enqueue,
    hasEnded: ({ attemptId }) => ended.find(attemptId) !== undefined,
    readSecrets: ({ attemptId, stackId }, refs) => readAttemptSecrets(stacks.get(stackId)?.stack, attemptId, refs),
  };
  return { ...parts, sink, enqueue, notify };
}

/** Writes one change whole, or nothing of it. */
function commitChange(state: MemoryState, input: Change): CommitResult {
  const { stacks, attempts, events } = state;
  const { stackId, results = [], claims = [] } = input;
  const found = stacks.get(stackId);
  const version = found?.stack === undefined ? 0 : found.version;
  if (version !== input.expectedVersion) return { kind: "conflict" };
  const eventIds = findKnownIds(found, input);
  if (eventIds.length > 0) return { kind: "duplicate", eventIds };
  const lost = attempts.findLost(results);
  if (lost.length > 0) return { kind: "lost", attemptIds: lost };
  if (results.length > 0 && events.hasOthers(stackId, input.receipts)) return { kind: "behind" };
  const change = toFrozen(input);
  const written = writeRows(state, change);
  const grants = attempts.commit(state.sink, change);
  return { kind: "committed", version: written, ...(claims.length === 0 ? {} : { grants }) };
}

function findKnownIds(
  row: StackRow | undefined,
  { appliedIds, park, retried = [], deadLetters }: Change,
): readonly string[] {
  if (row === undefined) return [];
  const ids = [...appliedIds, ...[...park, ...retried, ...deadLetters].map(({ event }) => toEventKey(event))];
  return [...new Set(ids)].filter((id) => row.applied.has(id));
}

/** Writes all but the attempts, and returns the version afterwards. */
function writeRows(state: MemoryState, change: Change): number {
  const { stacks, timers, parked, history, deadLetters } = state;
  const row = requireRow(stacks, change.stackId);
  const version = writeStack(row, change);
  for (const id of change.appliedIds) row.applied.set(id, change.now);
  for (const entry of change.deadLetters) deadLetters.add(entry);
  for (const entry of change.history) history.append(entry);
  for (const entry of change.audit ?? []) state.records.add(toPendingKey(entry.id), entry);
  if (change.history.length > 0) state.notify("history");
  for (const receipt of change.receipts) acknowledge(state, receipt);
  if (change.park.length + change.unpark.length > 0 || change.retried !== undefined)
    parked.set(row.id, parkEvents(row, change));
  if (change.write.kind === "keep") return version;
  // Afresh at each write: another timer may be due at the instant of one that was taken.
  timers.set(row.id, undefined);
  timers.set(row.id, row.stack && nextTimerAt(row.stack));
  return version;
}

/** Removes a row of a queue; ignores unknown receipts. */
function acknowledge({ events, attempts, sink }: MemoryState, receipt: string): void {
  events.remove(receipt);
  attempts.acknowledge(sink, receipt);
}

const HISTORY_PRUNED_AT_ONCE = 10_000;

/** Removes rows that are older than their retention; returns true when more is left. */
function prune(
  { stacks, ended, history, deadLetters, records }: MemoryState,
  retention: Retention,
  now: number,
): boolean {
  pruneEventIds(stacks, retention, now);
  forgetRemoved(stacks, toForgottenBefore(retention, now));
  ended.prune(now - retention.settledAttemptMs);
  deadLetters.prune(now - retention.deadLetterMs);
  records.removeExpired(now);
  return history.prune(now - retention.historyMs, HISTORY_PRUNED_AT_ONCE);
}

interface EndedAttempts {
  add(attempt: EndedAttempt): void;
  find(attemptId: string): AttemptView | undefined;
  /** Returns the last ones of a stack. */
  listOf(stackId: string): readonly EndedAttempt[];
  /** Removes what ended before that instant. */
  prune(before: number): void;
}

/** Creates the attempts that have ended. */
function createEndedAttempts(): EndedAttempts {
  const byId = new Map<string, EndedAttempt>();
  return {
    add: (attempt) => void byId.set(attempt.view.attemptId, attempt),
    find: (attemptId) => byId.get(attemptId)?.view,
    listOf: (stackId) => [...byId.values()].filter(({ view }) => view.stackId === stackId).slice(-MAX_SETTLED_LISTED),
    prune(before) {
      for (const [attemptId, { settledAt }] of byId) if (settledAt < before) byId.delete(attemptId);
    },
  };
}
