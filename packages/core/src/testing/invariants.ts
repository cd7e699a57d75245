import type { Stack } from "../machine/stack.ts";
import type { Change, HistoryEntry } from "../ports/stack-store.ts";
import type { Store } from "../ports/store.ts";
import { createLeaseInvariants, type LeaseInvariants } from "./lease-invariants.ts";

/** What must hold in a yard whatever its processes do; watched at the store, where everything passes. */
export interface Invariants {
  /** The same store, with its calls watched. */
  watch(store: Store): Store;
  /** Sentences about what was broken so far, and what is wrong now. Call it when nothing is under way. */
  findViolations(store: Store): Promise<readonly string[]>;
}

/** Each event applied once and in order, no write lost, one live lease at a time, and nothing that waits for nothing. */
export function createInvariants(): Invariants {
  const violations: string[] = [];
  const leases = createLeaseInvariants((sentence) => violations.push(sentence));
  const lines = createLineInvariants((sentence) => violations.push(sentence));
  const dispatched = new Set<string>();

  function noteCommitted(change: Change): void {
    for (const { attemptId } of change.dispatches) dispatched.add(attemptId);
    for (const attemptId of change.closes) leases.noteEnd(attemptId);
    for (const entry of change.history) lines.noteLine(entry);
  }

  return {
    watch: (store) => ({
      ...watchLeases(store, leases),
      enqueue(events) {
        for (const { id, stackId, origin } of events) if (origin === "external") lines.noteSent(stackId, id);
        return store.enqueue(events);
      },
      async commit(changes) {
        const results = await store.commit(changes);
        for (const [index, change] of changes.entries()) {
          if (results[index]?.kind === "committed") noteCommitted(change);
        }
        return results;
      },
    }),
    async findViolations(store) {
      return [...violations, ...(await findLost(store, dispatched)), ...(await findStuck(store, lines))];
    },
  };
}

function watchLeases(store: Store, leases: LeaseInvariants): Store {
  return {
    ...store,
    async claim(input) {
      const result = await store.claim(input);
      if (result.kind === "granted") leases.noteGrant(input, result.grant.token);
      return result;
    },
    async renew(grant, input) {
      const result = await store.renew(grant, input);
      if (result.kind === "renewed") leases.noteRenewal(grant, input.now + input.leaseMs);
      return result;
    },
    async suspend(grant, input) {
      const result = await store.suspend(grant, input);
      if (result === "suspended") leases.noteSuspension(grant);
      return result;
    },
    async settle(grant, input) {
      const result = await store.settle(grant, input);
      if (result === "settled") leases.noteSettlement(grant);
      return result;
    },
  };
}

interface LineInvariants {
  noteSent(stackId: string, eventId: string): void;
  noteLine(entry: HistoryEntry): void;
  /** The state after the last line that changed the stack; undefined: there is no stack. */
  findState(stackId: string): string | undefined;
}

function createLineInvariants(tell: (sentence: string) => void): LineInvariants {
  const sent = new Map<string, string[]>();
  const applied = new Set<string>();
  const met = new Set<string>();
  const states = new Map<string, string | undefined>();
  const places = new Map<string, number>();

  function noteOrder({ stackId, eventId }: HistoryEntry, key: string): void {
    const place = (sent.get(stackId) ?? []).indexOf(eventId);
    if (place === -1 || met.has(key)) return;
    met.add(key);
    if (place < (places.get(stackId) ?? -1)) tell(`${stackId}: ${eventId} was worked after an event that came later.`);
    places.set(stackId, Math.max(place, places.get(stackId) ?? -1));
  }

  return {
    noteSent(stackId, eventId) {
      const ids = sent.get(stackId) ?? [];
      if (!ids.includes(eventId)) ids.push(eventId);
      sent.set(stackId, ids);
    },
    noteLine(entry) {
      const { stackId, eventId, outcome, from, to } = entry;
      const key = `${stackId}\u0000${eventId}`;
      noteOrder(entry, key);
      if (outcome !== "applied" && outcome !== "removed") return;
      if (applied.has(key)) tell(`${stackId}: ${eventId} was applied twice.`);
      applied.add(key);
      const before = states.get(stackId);
      if (before !== from) tell(`${stackId}: ${eventId} was applied to ${from}, and the stack was in ${before}.`);
      states.set(stackId, outcome === "removed" ? undefined : to);
    },
    findState: (stackId) => states.get(stackId),
  };
}

async function findLost(store: Store, dispatched: ReadonlySet<string>): Promise<readonly string[]> {
  const { queuedTasks } = await store.stats();
  const found: string[] = [];
  for (const attemptId of dispatched) {
    const attempt = await store.findAttempt(attemptId);
    if (attempt === undefined) found.push(`The dispatch of ${attemptId} was lost.`);
    if (attempt?.status === "unclaimed" && queuedTasks === 0) found.push(`No message of ${attemptId} is left.`);
  }
  return found;
}

async function findStuck(store: Store, lines: LineInvariants): Promise<readonly string[]> {
  const { queuedEvents, parkedEvents } = await store.stats();
  const found: string[] = [];
  for (const stack of await listStacks(store)) {
    const state = lines.findState(stack.id);
    if (state !== stack.state) found.push(`${stack.id}: the history ends in ${state}, the stack is in ${stack.state}.`);
    if (queuedEvents + parkedEvents > 0) continue;
    found.push(...(await findIdleRuns(store, stack)), ...findIdleTasks(stack));
  }
  return found;
}

async function listStacks(store: Store): Promise<readonly Stack[]> {
  const { items } = await store.listStacks({}, { limit: 1_000 });
  return items.map(({ stack }) => stack);
}

async function findIdleRuns(store: Store, { id, runs }: Stack): Promise<readonly string[]> {
  const attempts = await Promise.all(runs.map(({ attemptId }) => store.findAttempt(attemptId)));
  return attempts.flatMap((attempt) =>
    attempt?.status === "settled" ? [`${id}: the stack was never told that ${attempt.attemptId} has ended.`] : [],
  );
}

function findIdleTasks({ id, tasks, runs, entry }: Stack): readonly string[] {
  const running = new Set(runs.filter((run) => run.entry === entry).map(({ task }) => task));
  return tasks.flatMap(({ name, status }) =>
    status === "PENDING" && !running.has(name) ? [`${id}: the task "${name}" waits for nothing.`] : [],
  );
}
