import { toListedAttempt } from "../attempt/attempt.ts";
import { readAttemptSecrets } from "../machine/attempt-secrets.ts";
import { toEventKey } from "../machine/message/event.ts";
import type { QueuedEvent } from "../ports/stack-store.ts";
import type { Store } from "../ports/store.ts";
import { MemoryAttempts } from "./memory-attempts.ts";
import { type CommitParts, commitChange } from "./memory-commit.ts";
import { createDueIndexes, createMemoryDue } from "./memory-due.ts";
import { createGuard } from "./memory-guard.ts";
import { createMemoryHistory } from "./memory-history.ts";
import { guardQueries } from "./memory-queries.ts";
import { createMemoryRecords } from "./memory-records.ts";
import { createMemoryRevisions } from "./memory-revisions.ts";
import { createMemoryRows } from "./memory-rows.ts";
import { createMemorySetAside } from "./memory-set-aside.ts";
import { createMemoryStacks } from "./memory-stacks.ts";
import { toFrozen } from "./memory-value.ts";
import { createMemoryWatch } from "./memory-watch.ts";

/** How the yard of a memory store works. */
export interface MemoryStoreOptions {
  /** False: an attempt that nobody claims ends at its time-out, without a day at least. Default: true. */
  readonly runnersHaveStore?: boolean;
}

/** A store that ends with its process, for tests, simulation and benchmarks. Every call is whole: it never yields. */
export function createMemoryStore(options: MemoryStoreOptions = {}): Store {
  const { guard, close } = createGuard();
  const parts = createParts(options.runnersHaveStore ?? true);
  const { stacks, attempts, rows, enqueue, watch } = parts;
  const dueWork = createMemoryDue(rows, parts.due, (attemptId) => attempts.find(attemptId));
  const records = createMemoryRecords();

  return {
    load: guard((ids) => ids.map(stacks.load)),
    commit: guard((changes) => changes.map((change) => commitChange(parts, change))),
    claim: guard((input) => attempts.claim(input)),
    renew: guard((grant, input) => attempts.renew(grant, input)),
    suspend: guard((grant, input) => attempts.suspend(grant, input)),
    settle: guard((grant, input) => attempts.settle(grant, input)),
    findAttempt: guard((attemptId) => {
      const attempt = attempts.find(attemptId);
      return attempt && attempts.view(attempt);
    }),
    listAttempts: guard((stackId) =>
      attempts.listOf(stackId).map((attempt) => toListedAttempt(attempts.view(attempt))),
    ),
    findTaskMessage: guard((attemptId) => attempts.find(attemptId)?.dispatch.message),
    enqueue: guard((events) => events.map((event) => enqueue(toFrozen(event)))),
    takeDue: guard(dueWork.take),
    acknowledge: guard((receipts) => {
      for (const receipt of receipts) rows.acknowledge(receipt);
    }),
    giveBack: guard(dueWork.giveBack),
    nextDueAt: guard(dueWork.nextDueAt),
    ...guardQueries(guard, { ...parts, records }),
    revisions: createMemoryRevisions(guard),
    records: {
      get: guard(records.get),
      put: guard(records.put),
      remove: guard(records.remove),
      list: guard(records.list),
    },
    watch: watch.watch,
    close: async () => close(),
  };
}

interface Parts extends CommitParts {
  readonly enqueue: (event: QueuedEvent, notBefore?: number) => boolean;
  readonly watch: ReturnType<typeof createMemoryWatch>;
}

function createParts(runnersHaveStore: boolean): Parts {
  const stacks = createMemoryStacks();
  const rows = createMemoryRows();
  const due = createDueIndexes();
  const watch = createMemoryWatch();
  const history = createMemoryHistory();

  function enqueue(event: QueuedEvent, notBefore?: number): boolean {
    const known = stacks.find(event.stackId);
    if (known?.applied.has(toEventKey(event)) || known?.parked.has(toEventKey(event))) return false;
    const isAdded = rows.addEvent(event, notBefore);
    if (isAdded) watch.notify("event");
    return isAdded;
  }

  const attempts = new MemoryAttempts(
    {
      sendTask({ attemptId, message }, now) {
        rows.addTask({ attemptId, message }, now);
        watch.notify("task");
      },
      withdrawTask: rows.dropTasks,
      readSecrets({ attemptId, stackId }, refs) {
        return readAttemptSecrets(stacks.find(stackId)?.stack, attemptId, refs);
      },
      enqueue,
      due,
    },
    runnersHaveStore,
  );

  return {
    stacks,
    attempts,
    rows,
    due,
    setAside: createMemorySetAside(),
    enqueue,
    watch,
    history: {
      ...history,
      append(entry) {
        history.append(entry);
        watch.notify("history");
      },
    },
  };
}
