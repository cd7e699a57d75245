import { SYSTEM_EVENTS } from "../../machine/event-message.ts";
import type { Stack, StackTimer, TaskRun } from "../../machine/stack.ts";
import type { Change, Grant } from "../../ports/stack-store.ts";
import type { Store } from "../../ports/store.ts";
import type { DueKind } from "../../ports/work-queue.ts";
import { onChanges, onCommits, onLoaded, type PlantedBug } from "./plant.ts";
import { REVISION_BUGS } from "./revision-bugs.ts";

/** The features removed from a store, one at a time. */
export const PLANTED_BUGS: readonly PlantedBug[] = [
  { name: "fencing", breaks: "fencing", plant: withoutFencing },
  { name: "de-duplication", breaks: "exactly-once", plant: onChanges((change) => ({ ...change, appliedIds: [] })) },
  { name: "origins", breaks: "nothing-dropped", plant: onChanges(withoutOrigins) },
  { name: "version-check", breaks: "no-lost-update", plant: withoutVersions },
  { name: "outbox", breaks: "handed-out", plant: withoutRedelivery },
  {
    name: "outbox-commit",
    breaks: "one-commit",
    plant: onChanges((change) => ({ ...change, dispatches: change.dispatches.slice(1) })),
  },
  { name: "lease-check", breaks: "one-lease", plant: withoutLeases },
  {
    name: "key-check",
    breaks: "exclusive-keys",
    plant: (store) => ({ ...store, claim: (input) => store.claim({ ...input, exclusiveKeys: [] }) }),
  },
  {
    name: "key-hand-over",
    breaks: "fencing",
    plant: onChanges((change) => ({ ...change, endedAttempts: [] })),
  },
  { name: "lapsed-leases", breaks: "handed-out", plant: withoutDue("lapsedLease") },
  { name: "polls", breaks: "handed-out", plant: withoutDue("poll") },
  { name: "deadlines", breaks: "deadlines-delivered", plant: withoutDue("deadline") },
  { name: "timers", breaks: "comes-to-rest", plant: withoutDue("timer") },
  { name: "timer-spent", breaks: "timers-once", plant: onCommits(keepSpentTimers) },
  { name: "schedule", breaks: "schedules-armed", plant: onCommits(endSchedules) },
  { name: "instant", breaks: "instants-follow", plant: onCommits(keepInstants) },
  { name: "raised", breaks: "raised-together", plant: onChanges(withoutRaised) },
  { name: "timers-left", breaks: "timers-once", plant: onCommits(keepLeftTimers) },
  {
    name: "leaving",
    breaks: "leaving-waits",
    plant: onLoaded((stack) => ({ ...stack, runs: stack.runs.filter(isPresent(stack)) })),
  },
  { name: "failure-count", breaks: "retries-bounded", plant: onLoaded(({ failures, ...stack }) => stack) },
  { name: "parking", breaks: "nothing-dropped", plant: onChanges((change) => ({ ...change, park: [] })) },
  { name: "unparking", breaks: "step-limit", plant: onChanges((change) => ({ ...change, unpark: [] })) },
  { name: "dead-lettered", breaks: "nothing-dropped", plant: onChanges((change) => ({ ...change, deadLetters: [] })) },
  {
    name: "redrive",
    breaks: "nothing-dropped",
    plant: (store) => ({ ...store, queries: { ...store.queries, redrive: async (ids) => ids } }),
  },
  { name: "attempt-count", breaks: "attempt-numbers", plant: onLoaded((stack) => ({ ...stack, attempts: {} })) },
  { name: "visit-count", breaks: "visits-counted", plant: onLoaded(({ visits, ...stack }) => stack) },
  { name: "begun-needs", breaks: "needs-kept", plant: onLoaded(({ begun, ...stack }) => stack) },
  { name: "marks", breaks: "woken", plant: onCommits(withoutMarks) },
  { name: "reaction", breaks: "one-reaction", plant: onCommits(enterTwice) },
  { name: "cancels", breaks: "cancels-asked", plant: onChanges((change) => ({ ...change, cancels: [] })) },
  { name: "acknowledged-early", breaks: "nothing-dropped", plant: withEarlyAcknowledgement },
  { name: "event-order", breaks: "order", plant: withReversedEvents },
  {
    name: "old-entries",
    breaks: "late-results",
    plant: onLoaded((stack) => ({ ...stack, runs: stack.runs.map((run) => ({ ...run, entry: stack.entry })) })),
  },
  { name: "result-in-turn", breaks: "results-in-turn", plant: onChanges(withoutTurns) },
  { name: "birth-lease", breaks: "one-lease", plant: onChanges(withoutBirthLeases) },
  { name: "token-returns", breaks: "fencing", plant: withReturningTokens },
  ...REVISION_BUGS,
  { name: "audit-entries", breaks: "audited-once", plant: onChanges(({ audit: _, ...change }) => change) },
  { name: "audit-removal", breaks: "audited-once", plant: keepPendingEntries },
  { name: "result-event", breaks: "comes-to-rest", plant: withoutResults },
];

/** Entries of the audit log wait again after they were sealed. */
function keepPendingEntries(store: Store): Store {
  const { records } = store;
  const remove = async (key: string, expected: number) =>
    key.startsWith("audit/pending/") ? true : await records.remove(key, expected);
  return { ...store, records: { ...records, remove } };
}

const DAY_MS = 86_400_000;
const NEVER_MS = 8_000_000_000_000;

/** Ends attempts with their results without a look at the queue. */
function withoutTurns({ results = [], ...change }: Change): Change {
  return { ...change, endedAttempts: [...change.endedAttempts, ...results.map(({ grant }) => grant.attemptId)] };
}

/** Grants attempts as they begin and forgets their leases. */
function withoutBirthLeases(change: Change): Change {
  if (change.claims === undefined) return change;
  return { ...change, claims: change.claims.map((claim) => ({ ...claim, leaseMs: -DAY_MS })) };
}

/** Counts the grants of an attempt from one again each time. */
function withReturningTokens(store: Store): Store {
  return {
    ...store,
    async claim(input) {
      const result = await store.claim(input);
      return result.kind === "granted" ? { ...result, grant: { ...result.grant, token: 1 } } : result;
    },
  };
}

/** Identifies events by their ids alone, as if an id contained its origin. */
function withoutOrigins(change: Change): Change {
  const appliedIds = change.appliedIds.flatMap((key) => {
    return key.startsWith(INTERNAL) ? [key, key.slice(INTERNAL.length)] : [key, `${INTERNAL}${key}`];
  });
  return { ...change, appliedIds };
}

const INTERNAL = "internal:";

/** Answers to old tokens as to the newest one. */
function withoutFencing(store: Store): Store {
  async function toNewest(grant: Grant): Promise<Grant> {
    const attempt = await store.findAttempt(grant.attemptId);
    return { ...grant, token: attempt?.token ?? grant.token };
  }
  return {
    ...store,
    renew: async (grant, input) => store.renew(await toNewest(grant), input),
    suspend: async (grant, input) => store.suspend(await toNewest(grant), input),
    settle: async (grant, input) => store.settle(await toNewest(grant), input),
    async commit(changes) {
      const replaced = changes.map(async (change) => {
        if (change.results === undefined) return change;
        const results = change.results.map(async (result) => ({ ...result, grant: await toNewest(result.grant) }));
        return { ...change, results: await Promise.all(results) };
      });
      return store.commit(await Promise.all(replaced));
    },
  };
}

/** Overwrites the record, whatever its version. */
function withoutVersions(store: Store): Store {
  return {
    ...store,
    async commit(changes) {
      const loaded = await store.load(changes.map(({ stackId }) => stackId));
      const present = new Map(loaded.map(({ stackId, version }) => [stackId, version]));
      return store.commit(changes.map((change) => ({ ...change, expectedVersion: present.get(change.stackId) ?? 0 })));
    },
  };
}

/** Never redelivers a task's message that was received and not acknowledged; other kinds are redelivered. */
function withoutRedelivery(store: Store): Store {
  return {
    ...store,
    async takeDue(input) {
      const [tasks, others] = [true, false].map((isTask) => input.kinds.filter((kind) => (kind === "task") === isTask));
      const first = await store.takeDue({ ...input, kinds: tasks ?? [], leaseMs: NEVER_MS });
      return [...first, ...(await store.takeDue({ ...input, kinds: others ?? [], limit: input.limit - first.length }))];
    },
  };
}

/** Never delivers one kind of due work. */
function withoutDue(gone: DueKind): (store: Store) => Store {
  const without = (kinds: readonly DueKind[]) => kinds.filter((kind) => kind !== gone);
  return (store) => ({
    ...store,
    takeDue: (input) => store.takeDue({ ...input, kinds: without(input.kinds) }),
    nextDueAt: (kinds) => store.nextDueAt(without(kinds)),
  });
}

/** Takes every lease for one that is over. */
function withoutLeases(store: Store): Store {
  return {
    ...store,
    claim: (input) => store.claim({ ...input, now: input.now + DAY_MS, leaseMs: input.leaseMs - DAY_MS }),
  };
}

/** Loses what people see of an event of the engine that waits. */
function withoutMarks(change: Change): Change {
  const { write } = change;
  if (write.kind !== "put") return change;
  const { stalled, overdue, ...stack } = write.stack;
  return { ...change, write: { ...write, stack } };
}

/** Forgets that a timer has fired. */
function keepSpentTimers(change: Change, before: Stack | undefined): Change {
  const { write } = change;
  if (write.kind !== "put" || before?.entry !== write.stack.entry) return change;
  const appliedIds = change.appliedIds.filter((id) => !id.startsWith("internal:timer:"));
  return { ...change, appliedIds, write: { kind: "put", stack: { ...write.stack, timers: before.timers } } };
}

/** Does not arm a timer again that has fired. */
function endSchedules(change: Change, before: Stack | undefined): Change {
  const { write, history } = change;
  if (write.kind !== "put" || before?.entry !== write.stack.entry) return change;
  const timers = write.stack.timers.filter(({ id }) => history.every(({ timer }) => timer !== id));
  return { ...change, write: { kind: "put", stack: { ...write.stack, timers } } };
}

/** Leaves the instants of an entry as they are when the metadata changes. */
function keepInstants(change: Change, before: Stack | undefined): Change {
  const { write, history } = change;
  if (write.kind !== "put" || before?.entry !== write.stack.entry) return change;
  const isMoved = before.metadata["until"] !== write.stack.metadata["until"];
  if (!isMoved || history.some(({ timer }) => timer !== undefined)) return change;
  const isInstant = ({ instant, repeats }: StackTimer) => instant !== undefined && repeats === undefined;
  const timers = [...write.stack.timers.filter((timer) => !isInstant(timer)), ...before.timers.filter(isInstant)];
  return { ...change, write: { kind: "put", stack: { ...write.stack, timers } } };
}

/** Writes no line about what an event has raised. */
function withoutRaised({ history, ...change }: Change): Change {
  return { ...change, history: history.filter(({ raisedBy }) => raisedBy === undefined) };
}

/** Leaves the timers of an entry armed when it is left, without the one that has fired. */
function keepLeftTimers(change: Change, before: Stack | undefined): Change {
  const { write, history } = change;
  if (write.kind !== "put" || before === undefined || before.entry === write.stack.entry) return change;
  const left = before.timers.filter(({ id }) => history.every(({ timer }) => timer !== id));
  const timers = [...left, ...write.stack.timers];
  return { ...change, write: { kind: "put", stack: { ...write.stack, timers } } };
}

/** Counts the entry that a result has caused twice, as if the state had reacted twice. */
function enterTwice(change: Change, before: Stack | undefined): Change {
  const { write, history } = change;
  const isResult = history.length === 1 && history[0]?.eventId.startsWith("result:") === true;
  if (!isResult || write.kind !== "put" || before === undefined || before.entry === write.stack.entry) return change;
  return { ...change, write: { kind: "put", stack: { ...write.stack, entry: write.stack.entry + 1 } } };
}

/** Removes events when they are delivered, like a queue that delivers at most once. */
function withEarlyAcknowledgement(store: Store): Store {
  return {
    ...store,
    async takeDue(input) {
      const items = await store.takeDue(input);
      await store.release(items.flatMap((item) => (item.kind === "event" ? [item.receipt] : [])));
      return items;
    },
  };
}

function withReversedEvents(store: Store): Store {
  return { ...store, takeDue: async (input) => [...(await store.takeDue(input))].reverse() };
}

function isPresent({ entry }: Stack): (run: TaskRun) => boolean {
  return (run) => run.entry === entry;
}

/** Ends an attempt and loses the event of its end. */
function withoutResults(store: Store): Store {
  let count = 0;
  return {
    ...store,
    settle(grant, input) {
      count += 1;
      const message = { ...input.event.message, event: SYSTEM_EVENTS.retryPendingTasks };
      return store.settle(grant, count % 3 === 0 ? { ...input, event: { ...input.event, message } } : input);
    },
  };
}
