import assert from "node:assert/strict";
import { toWithdrawal } from "../aggregate/withdraw-parked.ts";
import { copyStore } from "../engine/copy-store.ts";
import { toEventKey } from "../machine/event-message.ts";
import type { CommitResult } from "../ports/stack-store.ts";
import type { Store } from "../ports/store.ts";
import {
  aChange,
  aHistoryEntry,
  aParkedEvent,
  aPut,
  aQueuedEvent,
  DAY,
  HOUR,
  T0,
} from "./store-conformance/store-builders.ts";

/**
 * One move in the lives of some stacks, as three numbers: which move, of which stack, under which event id. Small
 * numbers, so that stacks are created again and ids come again.
 */
export type LifeMove = readonly [move: number, stack: number, id: number];

const STACKS = ["s0", "s1", 'odd "\u0000\u{1f600}'] as const;
const IDS = ["e0", "e1", "e2", "internal:e3", `long ${"x".repeat(900)}`] as const;
const RETENTION = {
  historyMs: 90 * DAY,
  eventIdMs: 14 * DAY,
  eventIdCount: 2,
  deadLetterMs: 30 * DAY,
  settledAttemptMs: 14 * DAY,
};

interface Life {
  readonly stores: readonly Store[];
  now: number;
}

/**
 * Plays moves on one store, moves it to another one, and plays the other moves on both: whatever they answer must be the same, to
 * events that are sent again above all. Then every id is sent again to every stack.
 *
 * @throws an assertion error at the first answer that differs.
 */
export async function playMovedLife(
  { before, after }: { readonly before: readonly LifeMove[]; readonly after: readonly LifeMove[] },
  { from, to }: { readonly from: Store; readonly to: Store },
): Promise<void> {
  const life: Life = { stores: [from], now: T0 };
  for (const move of before) await play(life, move);
  await copyStore({ from, to, machines: [], now: life.now });
  const moved: Life = { stores: [from, to], now: life.now };
  for (const move of after) await play(moved, move);
  for (const stackId of STACKS) {
    for (const id of IDS) await sendAgain(moved, stackId, id);
  }
}

/** Plays one move on a store, and returns what the store answers. */
type Move = (store: Store, named: Named) => Promise<unknown>;

const MOVES: readonly Move[] = [begin, apply, remove, park, withdraw];

async function play(life: Life, [move, stack, id]: LifeMove): Promise<void> {
  life.now += HOUR;
  // Stores prune in steps of their own, so only one alone does.
  const moves = life.stores.length === 1 ? [...MOVES, prune] : MOVES;
  const playMove = pick(moves, move) ?? begin;
  const stackId = pick(STACKS, stack) ?? "s0";
  const eventId = pick(IDS, id) ?? "e0";
  const answers: unknown[] = [];
  for (const store of life.stores) answers.push(await playMove(store, { stackId, eventId, now: life.now }));
  for (const answer of answers) assert.deepEqual(answer, answers[0], `${playMove.name} ${stackId} ${eventId}`);
}

function pick<T>(list: readonly T[], number: number): T | undefined {
  return list[number % list.length];
}

interface Named {
  readonly stackId: string;
  readonly eventId: string;
  readonly now: number;
}

/** Applies an event that creates the stack, or changes it. */
async function begin(store: Store, { stackId, eventId, now }: Named) {
  const version = await loadVersion(store, stackId);
  const change = {
    expectedVersion: version,
    ...toApplied(eventId),
    history: [aHistoryEntry(eventId, { stackId, at: now, set: { last: eventId } })],
  };
  return commit(store, { ...aPut({ id: stackId, updatedAt: now }, change), now });
}

/** Applies an event that changes nothing, as an answer to it. */
async function apply(store: Store, { stackId, eventId, now }: Named) {
  const expectedVersion = await loadVersion(store, stackId);
  return commit(store, aChange({ stackId, expectedVersion, appliedIds: [`internal:${eventId}`], now }));
}

async function remove(store: Store, { stackId, eventId, now }: Named) {
  const expectedVersion = await loadVersion(store, stackId);
  return commit(store, aChange({ stackId, expectedVersion, write: { kind: "remove" }, ...toApplied(eventId), now }));
}

async function park(store: Store, { stackId, eventId, now }: Named) {
  const expectedVersion = await loadVersion(store, stackId);
  const event = aQueuedEvent(eventId, { stackId });
  return commit(
    store,
    aChange({ stackId, expectedVersion, park: [aParkedEvent(eventId, { event, parkedAt: now })], now }),
  );
}

async function withdraw(store: Store, { stackId, now }: Named) {
  const [loaded] = await store.load([stackId]);
  if (loaded === undefined || loaded.parked.length === 0) return "none";
  const events = loaded.parked.map((head) => ({ ...head, event: { ...head.event, message: {} } }));
  return commit(store, toWithdrawal(loaded, events, { by: "ada", reason: "wrong", now }));
}

async function prune(store: Store, { now }: Named) {
  while (await store.prune(RETENTION, now + 20 * DAY)) {
    // The next call continues.
  }
}

/** An event that was parked is not parked any more when it is applied. */
function toApplied(id: string) {
  const key = toEventKey({ origin: "external", id });
  return { appliedIds: [key], unpark: [key] };
}

async function loadVersion(store: Store, stackId: string): Promise<number> {
  return (await store.load([stackId]))[0]?.version ?? 0;
}

/** Returns the answer without the version, which a store may give in steps of its own. */
async function commit(store: Store, change: Parameters<Store["commit"]>[0][number]) {
  const [result] = await store.commit([change]);
  return toAnswer(result);
}

function toAnswer(result: CommitResult | undefined) {
  if (result?.kind !== "duplicate") return result?.kind;
  return [...result.eventIds].sort();
}

async function sendAgain({ stores }: Life, stackId: string, id: string): Promise<void> {
  const answers = [];
  for (const store of stores) {
    const external = await store.enqueue([aQueuedEvent(id, { stackId })]);
    const internal = await store.enqueue([aQueuedEvent(id, { stackId, origin: "worker" })]);
    answers.push([external, internal]);
  }
  for (const answer of answers) assert.deepEqual(answer, answers[0], `${id} of ${stackId} is sent again`);
}
