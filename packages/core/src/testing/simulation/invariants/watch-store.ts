import type { Stack } from "../../../machine/stack.ts";
import type { Change, Grant, QueuedEvent } from "../../../ports/stack-store.ts";
import type { Store } from "../../../ports/store.ts";
import type { Invariant, InvariantChecks, InvariantContext, StartedCall, Violation } from "./invariant.ts";

/** Invariants at a store, where everything passes. */
export interface StoreWatch {
  /** The same store, with its calls watched. */
  readonly store: Store;
  /** Breaches so far, in their order. */
  readonly violations: readonly Violation[];
  note(violation: Violation): void;
  /** The number of checks of each invariant. */
  readonly checks: ReadonlyMap<string, number>;
  /** Notes events that were sent by another way, and those that have left it. */
  noteSent(events: readonly QueuedEvent[]): Promise<void>;
  noteGone(events: readonly QueuedEvent[]): Promise<void>;
  /** Notes that a process calls an executor. */
  noteStarted(call: StartedCall): Promise<void>;
  /** Checks the invariants for a yard without work. */
  checkRest(): Promise<void>;
}

/** Watches the calls of all processes. */
export function watchStore(
  store: Store,
  invariants: readonly Invariant[],
  context: InvariantContext = NO_CONTEXT,
): StoreWatch {
  const violations: Violation[] = [];
  const counts = new Map<string, number>();
  const watched = invariants.map(({ name, create }) => {
    const report = (sentence: string) => void violations.push({ invariant: name, sentence });
    return { name, checks: create(report, context) };
  });

  async function look(call: keyof InvariantChecks, check: Check): Promise<void> {
    for (const { name, checks } of watched) {
      if (checks[call] === undefined) continue;
      counts.set(name, (counts.get(name) ?? 0) + 1);
      await check(checks);
    }
  }

  return {
    store: { ...store, ...watchQueue(store, look), ...watchAttempts(store, look) },
    violations,
    note: (violation) => void violations.push(violation),
    checks: counts,
    noteSent: (events) => look("onSent", (checks) => checks.onSent?.(events)),
    noteGone: (events) => look("onAcknowledged", (checks) => checks.onAcknowledged?.(events)),
    noteStarted: (call) => look("onStarted", (checks) => checks.onStarted?.(call)),
    checkRest: () => look("onRest", (checks) => checks.onRest?.(store)),
  };
}

const NO_CONTEXT: InvariantContext = { findMachine: () => undefined };

type Check = (checks: InvariantChecks) => void | Promise<void>;
type Look = (call: keyof InvariantChecks, check: Check) => Promise<void>;

function watchQueue(store: Store, look: Look): Pick<Store, "enqueue" | "takeDue" | "release" | "commit" | "queries"> {
  const taken = new Map<string, QueuedEvent>();
  const stacks = createStackModel();

  async function noteAcknowledged(receipts: readonly string[]): Promise<void> {
    const events = receipts.flatMap((receipt) => taken.get(receipt) ?? []);
    if (events.length > 0) await look("onAcknowledged", (checks) => checks.onAcknowledged?.(events));
  }

  return {
    async enqueue(events) {
      await look("onSent", (checks) => checks.onSent?.(events));
      const added = await store.enqueue(events);
      const queued = events.filter((_, index) => added[index] === true);
      await look("onQueued", (checks) => checks.onQueued?.(queued));
      return added;
    },
    queries: {
      ...store.queries,
      async redrive(ids, now) {
        const { items } = await store.queries.listDeadLetters({}, { limit: 1_000 });
        const found = await store.queries.redrive(ids, now);
        const events = items.flatMap(({ id, event }) => (found.includes(id) ? [event] : []));
        await look("onRedriven", (checks) => checks.onRedriven?.(events));
        return found;
      },
    },
    async takeDue(input) {
      const items = await store.takeDue(input);
      for (const item of items) if (item.kind === "event") taken.set(item.receipt, item.event);
      await look("onTaken", (checks) => checks.onTaken?.(input, items));
      return items;
    },
    async release(receipts, visibleAt) {
      await store.release(receipts, visibleAt);
      if (visibleAt === undefined) await noteAcknowledged(receipts);
      else await look("onGivenBack", (checks) => checks.onGivenBack?.(receipts));
    },
    async commit(changes) {
      const results = await store.commit(changes);
      for (const [index, change] of changes.entries()) {
        const result = results[index];
        if (result?.kind !== "committed") continue;
        const committed = { change, version: result.version, ...stacks.write(change, result.version) };
        const { now, results: ended = [] } = change;
        for (const { grant, outcome } of ended) {
          await look("onSettled", (checks) => checks.onSettled?.(grant, { outcome, now }));
        }
        await look("onCommitted", (checks) => checks.onCommitted?.(committed, store));
        await noteAcknowledged(change.receipts);
        if (ended.length > 0) await look("onResultsApplied", (checks) => checks.onResultsApplied?.(change));
        await noteBirths(look, change, result.grants ?? []);
      }
      return results;
    },
  };
}

/** Notes attempts that begin as granted: they count as claimed. */
async function noteBirths(
  look: Look,
  { claims = [], dispatches, now }: Change,
  grants: readonly Grant[],
): Promise<void> {
  for (const grant of grants) {
    const { attemptId, owner } = grant;
    const leaseMs = claims.find((claim) => claim.attemptId === attemptId)?.leaseMs ?? 0;
    const input = { attemptId, owner, leaseMs, exclusiveKeys: [], now };
    const { timeoutMs = 0 } = dispatches.find((dispatch) => dispatch.attemptId === attemptId) ?? {};
    const answer = { kind: "granted", grant, deadlineAt: now + timeoutMs, again: false } as const;
    await look("onClaimed", (checks) => checks.onClaimed?.(input, answer));
  }
}

function watchAttempts(store: Store, look: Look): Pick<Store, "claim" | "renew" | "suspend" | "settle"> {
  return {
    async claim(input) {
      const result = await store.claim(input);
      await look("onClaimed", (checks) => checks.onClaimed?.(input, result));
      return result;
    },
    async renew(grant, input) {
      const result = await store.renew(grant, input);
      const until = input.now + input.leaseMs;
      if (result.kind === "renewed") await look("onRenewed", (checks) => checks.onRenewed?.(grant, until));
      return result;
    },
    async suspend(grant, input) {
      const result = await store.suspend(grant, input);
      if (result === "suspended") await look("onSuspended", (checks) => checks.onSuspended?.(grant, input));
      return result;
    },
    async settle(grant, input) {
      const result = await store.settle(grant, input);
      if (result !== "settled") return result;
      await look("onSettled", (checks) => checks.onSettled?.(grant, input));
      const events = [input.event, ...(input.followUps ?? []).map(({ event }) => event)];
      await look("onQueued", (checks) => checks.onQueued?.(events));
      return result;
    },
  };
}

const NO_STACK: { readonly version: number; readonly stack: Stack | undefined } = { version: 0, stack: undefined };

/** Creates a model of the stacks after the committed changes. */
function createStackModel() {
  const stacks = new Map<string, typeof NO_STACK>();
  return {
    write({ stackId, write }: Change, version: number) {
      const known = stacks.get(stackId) ?? NO_STACK;
      if (write.kind === "put") stacks.set(stackId, { version, stack: write.stack });
      if (write.kind === "remove") stacks.set(stackId, NO_STACK);
      const after = stacks.get(stackId)?.stack;
      return { versionBefore: known.version, before: known.stack, after };
    },
  };
}
