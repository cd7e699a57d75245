import assert from "node:assert/strict";
import { toEventKey } from "../machine/event-message.ts";
import { createMemoryStore } from "../memory/memory-store.ts";
import type { Change, ClaimResult, Grant } from "../ports/stack-store.ts";
import type { Store } from "../ports/store.ts";
import type { DueItem, DueKind } from "../ports/work-queue.ts";
import type { DurableStore } from "./durable-store-conformance.ts";
import {
  type aChange,
  aClaim,
  aDispatch,
  aHistoryEntry,
  aPut,
  aQueuedEvent,
  aSettle,
  commitNow,
  commitOnPresent,
  DAY,
  HOUR,
  MINUTE,
  SECOND,
  T0,
  toReceipts,
} from "./store-conformance/store-builders.ts";

/**
 * One random move as three numbers: which move, on which attempt, and how. Numbers shrink well, so that any property
 * test can pick and reduce a list of them. The comment at each entry of `MOVES` explains their meaning.
 */
export type StoreMove = readonly [move: number, attempt: number, how: number];

/** The two stores that a sequence of moves runs on, and what the moves have produced so far. */
interface ModelRun {
  readonly model: Store;
  store: Store;
  readonly port: DurableStore;
  now: number;
  /** All grants of each attempt, oldest first. */
  readonly grants: Map<string, Grant[]>;
  readonly dispatched: Set<string>;
  /** Ids that moves name; those of attempts that are claimed at birth are added. */
  readonly attempts: string[];
}

const ATTEMPTS = ["a0", "a1", "a2", "a3"] as const;
const STACKS = ["s0", "s1"] as const;
const KEYS = ["key:a", "key:b"] as const;
/** The time for which received items are hidden, in milliseconds. */
const HIDDEN_MS = 20 * SECOND;
const RETURNED: readonly DueKind[] = ["deadline", "poll", "lapsedLease"];

/**
 * Plays moves on the pure rules (the memory store, which applies them as they are) and on another store, and compares
 * every result and every view after every step. A move may end the store's process and open it again.
 *
 * @throws an assertion error that names the step at which the two disagree.
 */
export async function playStoreModel(moves: readonly StoreMove[], create: () => Promise<DurableStore>): Promise<void> {
  const port = await create();
  const run: ModelRun = {
    model: createMemoryStore(),
    store: await port.open(),
    port,
    now: T0,
    grants: new Map(),
    dispatched: new Set(),
    attempts: [...ATTEMPTS],
  };
  try {
    for (const [step, move] of moves.entries()) await playMove(run, step, move);
  } finally {
    await run.model.close();
    await run.store.close();
  }
}

async function playMove(run: ModelRun, step: number, [move, attempt, how]: StoreMove): Promise<void> {
  const [name, play] = pick(MOVES, move);
  const attemptId = pick(run.attempts, attempt);
  const where = `step ${step + 1}: ${name} ${attemptId} (${how})`;
  await play(run, attemptId, how, where);
  assert.deepEqual(await view(run, run.store), await view(run, run.model), where);
}

/** Calls both stores and compares their results; returns the model's result. */
async function both<Answer>(run: ModelRun, where: string, call: (store: Store) => Promise<Answer>): Promise<Answer> {
  const expected = await call(run.model);
  const answer = await call(run.store);
  assert.deepEqual(answer, expected, where);
  return expected;
}

type Play = (run: ModelRun, attemptId: string, how: number, where: string) => Promise<unknown>;

const MOVES: readonly (readonly [name: string, play: Play])[] = [
  ["dispatch", dispatch],
  ["claim", claim],
  [
    "renew",
    (run, id, how, where) =>
      withGrant(run, id, how, (grant) =>
        both(run, where, (store) => store.renew(grant, { leaseMs: 30 * SECOND, now: run.now, message: `line ${how}` })),
      ),
  ],
  [
    "suspend",
    (run, id, how, where) =>
      withGrant(run, id, how, (grant) => {
        const dueAt = run.now + pick([0, 10 * SECOND, HOUR], how);
        return both(run, where, (store) => store.suspend(grant, { progress: { how }, dueAt, now: run.now }));
      }),
  ],
  [
    "settle",
    (run, id, how, where) =>
      withGrant(run, id, how, (grant) => {
        const outcome = pick(["succeeded", "failed", "cancelled"] as const, how);
        return both(run, where, (store) =>
          store.settle(grant, aSettle(id, { outcome, log: `log ${how}`, now: run.now })),
        );
      }),
  ],
  [
    "cancel",
    (run, id, how) => {
      const cancel = {
        attemptId: id,
        withinMs: pick([5 * MINUTE, MINUTE, 10 * MINUTE], how),
        why: how % 2 === 0 ? "requested" : "timed-out",
        unclaimedAtOnce: how % 5 !== 0,
      } as const;
      return commitBoth(run, { stackId: stackOf(id), cancels: [cancel] });
    },
  ],
  ["send as stored", (run, id) => commitBoth(run, { stackId: stackOf(id), resends: [id] })],
  ["close", (run, id) => commitBoth(run, { stackId: stackOf(id), endedAttempts: [id] })],
  [
    "advance",
    async (run, _, how) => {
      run.now += pick([SECOND, 31 * SECOND, MINUTE, 10 * MINUTE, HOUR, 25 * HOUR], how);
    },
  ],
  ["take messages", (run, _, how, where) => takeMessages(run, how, where)],
  ["take due", (run, _, how, where) => takeReturned(run, how, where)],
  ["take events", (run, _, how, where) => takeEvents(run, how, where)],
  [
    "crash",
    async (run) => {
      await run.port.crash();
      // A store of one process may forget its deliveries; one of several waits for the leases.
      run.now += HIDDEN_MS;
      run.store = await run.port.open();
    },
  ],
  ["apply a result", (run, id, how, where) => applyResult(run, id, how, where)],
  ["apply a result and begin the next attempt", (run, id, how, where) => applyResult(run, id, how, where, true)],
  ["claim at birth", (run, _, how, where) => commitAlike(run, `s${how % 2}`, toBirth(run, how % 2, how), where)],
  [
    "enqueue",
    (run, id, how, where) => {
      const event = aQueuedEvent(`e${how % 30}`, { stackId: stackOf(id) });
      return both(run, where, (store) => store.enqueue([event]));
    },
  ],
];

/** Applies a result. Depending on `how`, the same commit applies the stack's due events. */
async function applyResult(run: ModelRun, id: string, how: number, where: string, begins = false): Promise<void> {
  const stackId = stackOf(id);
  await withGrant(run, id, how, async (grant) => {
    const taken = how % 2 === 0 ? new Map<Store, readonly DueItem[]>() : await takeBoth(run, ["event"], where);
    const change = {
      results: [{ grant, outcome: pick(["succeeded", "failed", "cancelled"] as const, how), log: `log ${how}` }],
      history: [aHistoryEntry(`result:${id}`, { stackId, at: run.now })],
      ...(begins ? toBirth(run, Number(id.slice(1)) % STACKS.length, how) : {}),
    };
    await commitAlike(run, stackId, change, where, taken);
  });
}

/** Returns an attempt of a new id, which begins as granted. */
function toBirth({ attempts, dispatched }: ModelRun, stack: number, how: number): Partial<Change> {
  const attemptId = `b${attempts.length * STACKS.length + stack}`;
  attempts.push(attemptId);
  dispatched.add(attemptId);
  const dispatches = [aDispatch(attemptId, { stackId: stackOf(attemptId) })];
  return { dispatches, claims: [{ attemptId, owner: `w${how % 3}`, leaseMs: 30 * SECOND }] };
}

/** Commits on both stores, and compares what became of it. */
async function commitAlike(
  run: ModelRun,
  stackId: string,
  overrides: Partial<Change>,
  where: string,
  taken: ReadonlyMap<Store, readonly DueItem[]> = new Map(),
): Promise<void> {
  const result = await both(run, where, async (store) => {
    const events =
      taken
        .get(store)
        ?.filter((item) => item.kind === "event")
        .filter(({ event }) => event.stackId === stackId) ?? [];
    const change = aPut(
      { id: stackId },
      {
        ...overrides,
        receipts: events.flatMap(toReceipts),
        // As the engine does. A store that repairs what a crash interrupted may queue events again that are not known.
        appliedIds: events.map(({ event }) => toEventKey(event)),
        now: run.now,
      },
    );
    const answer = await commitOnPresent(store, change);
    // Each store counts versions in its own way.
    return answer.kind === "committed" ? { kind: answer.kind, grants: answer.grants } : answer;
  });
  for (const grant of result.kind === "committed" ? (result.grants ?? []) : [])
    run.grants.set(grant.attemptId, [grant]);
}

async function dispatch(run: ModelRun, attemptId: string, how: number): Promise<void> {
  const again = run.dispatched.has(attemptId);
  run.dispatched.add(attemptId);
  const timeoutMs = pick([HOUR, 2 * DAY, 5 * MINUTE], how);
  await commitBoth(run, {
    stackId: stackOf(attemptId),
    dispatches: [aDispatch(attemptId, { stackId: stackOf(attemptId), again, timeoutMs })],
  });
}

async function claim(run: ModelRun, attemptId: string, how: number, where: string): Promise<void> {
  const exclusiveKeys = KEYS.filter((_, index) => ((how >> index) & 1) === 1);
  const owner = `w${how % 3}`;
  const input = aClaim(attemptId, { owner, exclusiveKeys, leaseMs: 30 * SECOND, now: run.now });
  const answer: ClaimResult = await both(run, where, (store) => store.claim(input));
  if (answer.kind === "granted") run.grants.set(attemptId, [...(run.grants.get(attemptId) ?? []), answer.grant]);
}

/** Plays with mostly the newest grant; sometimes one that was replaced. */
async function withGrant(
  run: ModelRun,
  id: string,
  how: number,
  play: (grant: Grant) => Promise<unknown>,
): Promise<void> {
  const grants = run.grants.get(id) ?? [];
  const grant = how % 7 === 6 ? grants[0] : grants.at(-1);
  if (grant !== undefined) await play(grant);
}

/** Receives messages and acknowledges, releases, or leaves them to their lease. */
async function takeMessages(run: ModelRun, how: number, where: string): Promise<void> {
  const taken = await takeBoth(run, ["task"], where);
  for (const store of [run.model, run.store]) {
    const receipts = taken.get(store)?.flatMap((item) => (item.kind === "task" ? [item.receipt] : [])) ?? [];
    if (how % 3 === 0) await store.release(receipts);
    if (how % 3 === 1) await store.release(receipts, run.now + 10 * SECOND);
  }
}

async function takeReturned(run: ModelRun, how: number, where: string): Promise<void> {
  await takeBoth(run, [pick(RETURNED, how)], where);
}

/** Receives events and applies, releases, or leaves them to their lease. */
async function takeEvents(run: ModelRun, how: number, where: string): Promise<void> {
  const taken = await takeBoth(run, ["event"], where);
  if (how % 3 === 0) for (const stackId of STACKS) await commitAlike(run, stackId, {}, where, taken);
  if (how % 3 !== 1) return;
  for (const store of [run.model, run.store]) {
    const receipts = taken.get(store)?.flatMap((item) => (item.kind === "event" ? [item.receipt] : [])) ?? [];
    await store.release(receipts, run.now + 10 * SECOND);
  }
}

async function takeBoth(run: ModelRun, kinds: readonly DueKind[], where: string) {
  const input = { kinds, now: run.now, limit: 100, leaseMs: HIDDEN_MS };
  const expected = await run.model.takeDue(input);
  const taken = await run.store.takeDue(input);
  assert.deepEqual(taken.map(toText).sort(), expected.map(toText).sort(), where);
  return new Map([
    [run.model, expected],
    [run.store, taken],
  ]);
}

/**
 * Returns the parts on which both stores must agree. Receipts are each store's own, and a store may lose counts of
 * deliveries with its process.
 */
function toText(item: DueItem): string {
  const { kind } = item;
  switch (kind) {
    case "event":
      return JSON.stringify([kind, item.event]);
    case "task":
      return JSON.stringify([kind, item.attemptId]);
    case "poll":
    case "lapsedLease":
      return JSON.stringify([kind, item.attemptId, item.dueAt]);
    default:
      return JSON.stringify(item);
  }
}

async function commitBoth(run: ModelRun, overrides: Parameters<typeof aChange>[0] & { readonly stackId: string }) {
  for (const store of [run.model, run.store]) {
    await commitNow(store, aPut({ id: overrides.stackId }, { ...overrides, now: run.now }));
  }
}

async function view({ attempts: ids }: ModelRun, store: Store): Promise<unknown> {
  const attempts = await Promise.all(ids.map((id) => store.findAttempt(id)));
  const listed = await Promise.all(STACKS.map((id) => store.queries.listAttempts(id)));
  const { openAttempts, queuedEvents, queuedTasks } = await store.queries.stats();
  const history = await Promise.all(STACKS.map((stackId) => listLines(store, stackId)));
  return { attempts, listed, history, openAttempts, queuedEvents, queuedTasks };
}

async function listLines(store: Store, stackId: string): Promise<readonly unknown[]> {
  const { items } = await store.queries.listHistory({ stackId }, { limit: 1_000 });
  return items.map(({ position: _, ...line }) => line);
}

function stackOf(attemptId: string): string {
  return STACKS[Number(attemptId.slice(1)) % STACKS.length] ?? "s0";
}

function pick<Value>(values: readonly [Value, ...Value[]] | readonly Value[], how: number): Value {
  const value = values[how % values.length];
  assert.ok(value !== undefined);
  return value;
}
