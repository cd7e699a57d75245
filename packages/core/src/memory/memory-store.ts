import { StackyardError } from "../errors/stackyard-error.ts";
import { type DueIndex, type DueSource, findNextDueAt, takeFrom } from "../in-process/queue.ts";
import type { Revision } from "../ports/locator.ts";
import type { StackQueries } from "../ports/stack-queries.ts";
import type { Revisions, Store, StoreSignal } from "../ports/store.ts";
import type { DueItem, DueKind, WorkQueue } from "../ports/work-queue.ts";
import { acknowledge, commitChange, createMemoryState, type MemoryState, prune } from "./memory-commit.ts";
import { toFrozen } from "./memory-value.ts";

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
  const { stacks, attempts, ended, events, history, setAside } = state;
  return {
    listStacks: guard(stacks.list),
    listHistory: guard(history.list),
    listAttempts: guard((stackId) => attempts.listWith(ended.listOf(stackId), stackId)),
    listParkedStackIds: guard(stacks.listParkedIds),
    listSetAside: guard(setAside.list),
    redrive: guard((ids) =>
      ids.filter((id) => {
        const entry = setAside.remove(id);
        if (entry !== undefined) state.enqueue(entry.event);
        return entry !== undefined;
      }),
    ),
    stats: guard(() => ({
      ...stacks.count(),
      queuedEvents: events.size,
      queuedTasks: attempts.tasks.size,
      setAsideEvents: setAside.size,
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
