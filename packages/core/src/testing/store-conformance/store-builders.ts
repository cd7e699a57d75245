import assert from "node:assert/strict";
import type { AuditEntry } from "../../access/audit-entry.ts";
import { isStackyardError } from "../../errors/stackyard-error.ts";
import { listPages } from "../../list-pages.ts";
import type { Stack } from "../../machine/stack.ts";
import type { Page, PageInput } from "../../ports/records.ts";
import {
  type CancelAttempt,
  type Change,
  type ClaimInput,
  type CommitResult,
  type DeadLetter,
  type DispatchAttempt,
  type Grant,
  type HistoryEntry,
  type LoadedStack,
  NO_CHANGE,
  type ParkedEvent,
  type QueuedEvent,
  type SettleInput,
} from "../../ports/stack-store.ts";
import type { Store } from "../../ports/store.ts";
import type { DueItem, DueKind, TakeDueInput } from "../../ports/work-queue.ts";
import type { ConformanceCase } from "../conformance-case.ts";

/** The instant at which the cases begin. */
export const T0 = Date.UTC(2026, 0, 1);
export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export const ALL_KINDS: readonly DueKind[] = ["event", "task", "timer", "deadline", "poll", "parked", "lapsedLease"];

/** Returns a stack `s1` of the machine `web`. */
export function aStoredStack(overrides: Partial<Stack> = {}): Stack {
  return {
    id: "s1",
    machine: "web",
    machineHash: "h1",
    state: "UP",
    previousState: "INIT",
    tasks: [],
    metadata: {},
    createdAt: T0,
    updatedAt: T0,
    enteredAt: T0,
    incarnation: "created",
    entry: 1,
    attempts: {},
    runs: [],
    timers: [],
    automaticEntries: [],
    ...overrides,
  };
}

/** Returns a change that keeps the stack `s1` and has no other effect. */
export function aChange(overrides: Partial<Change> = {}): Change {
  return { ...NO_CHANGE, stackId: "s1", now: T0, ...overrides };
}

/** Returns a change that writes a stack, its id taken from the stack. */
export function aPut(stack: Partial<Stack> = {}, overrides: Partial<Change> = {}): Change {
  const written = aStoredStack(stack);
  return aChange({ stackId: written.id, write: { kind: "put", stack: written }, ...overrides });
}

/** Returns an event `PUSH` from outside, for the stack `s1`. */
export function aQueuedEvent(id: string, overrides: Partial<QueuedEvent> = {}): QueuedEvent {
  const stackId = overrides.stackId ?? "s1";
  return { id, stackId, origin: "external", message: { event: "PUSH", stackId }, receivedAt: T0, ...overrides };
}

/** Returns an event that its state does not handle, due again after 30 seconds. */
export function aParkedEvent(id: string, overrides: Partial<ParkedEvent> = {}): ParkedEvent {
  return {
    event: aQueuedEvent(id),
    code: "EVENT_NOT_HANDLED",
    reason: '"UP" has no "PUSH".',
    parkedAt: T0,
    tries: 1,
    nextTryAt: T0 + 30 * SECOND,
    ...overrides,
  };
}

/** Returns an event that its machine does not declare. */
export function aDeadLetter(id: string, overrides: Partial<DeadLetter> = {}): DeadLetter {
  return {
    id,
    event: aQueuedEvent(`event-of-${id}`),
    code: "EVENT_UNDECLARED",
    reason: 'The machine has no event "PUSH".',
    deadLetteredAt: T0,
    ...overrides,
  };
}

/** Returns the line of an event `PUSH` that was applied. */
export function aHistoryEntry(eventId: string, overrides: Partial<HistoryEntry> = {}): HistoryEntry {
  return { stackId: "s1", at: T0, eventId, event: "PUSH", outcome: "applied", sent: [], notes: [], ...overrides };
}

/** Returns the entry of an operator's event that was applied. */
export function anAuditEntry(id: string, overrides: Partial<AuditEntry> = {}): AuditEntry {
  const who = { kind: "person", id: "https://id.example.org 00u1", name: "ada", groups: ["ops"] } as const;
  const on = { machine: "web", stackId: "s1", eventId: "e1" };
  return { id, at: T0, action: "CANCEL_TASK", outcome: "done", who, via: "api", on, ...overrides };
}

/** Returns the first attempt of the task `plan` of the stack `s1`. */
export function aDispatch(attemptId: string, overrides: Partial<DispatchAttempt> = {}): DispatchAttempt {
  const { stackId = "s1", task = "plan", attempt = 1 } = overrides;
  return {
    attemptId,
    stackId,
    incarnation: "created",
    entry: 1,
    task,
    attempt,
    executor: "terraform",
    timeoutMs: HOUR,
    claimWithinMs: Math.max(overrides.timeoutMs ?? HOUR, DAY),
    cause: "e1",
    cancelWithinMs: 5 * MINUTE,
    again: false,
    message: {
      task: { name: task, executor: "terraform" },
      stack: { id: stackId, previousState: "INIT", machine: "web", _state: "UP", tasks: [], metadata: {} },
      dispatch: { id: attemptId, attempt, deadline: new Date(T0 + HOUR).toISOString() },
    },
    ...overrides,
  };
}

/** Returns a requested cancel; it ends an unclaimed attempt at once. */
export function aCancel(attemptId: string, overrides: Partial<CancelAttempt> = {}): CancelAttempt {
  return { attemptId, withinMs: 5 * MINUTE, why: "requested", unclaimedAtOnce: true, ...overrides };
}

export function aClaim(attemptId: string, overrides: Partial<ClaimInput> = {}): ClaimInput {
  return { attemptId, owner: "w1", leaseMs: MINUTE, exclusiveKeys: [], now: T0, ...overrides };
}

export function aSettle(attemptId: string, overrides: Partial<SettleInput> = {}): SettleInput {
  const message = { event: "TASK_COMPLETED", stackId: "s1", task: { name: "plan" }, dispatchId: attemptId };
  return {
    outcome: "succeeded",
    event: aQueuedEvent(`result:${attemptId}`, { origin: "worker", message }),
    now: T0,
    ...overrides,
  };
}

/** Loads one stack from the store. */
export async function loadOne(store: Store, stackId = "s1"): Promise<LoadedStack> {
  const [loaded] = await store.load([stackId]);
  return expectThere(loaded);
}

/** Commits one change on the present version. */
export async function commitOnPresent(store: Store, change: Change): Promise<CommitResult> {
  const { version } = await loadOne(store, change.stackId);
  const [result] = await store.commit([{ ...change, expectedVersion: version }]);
  return expectThere(result);
}

/** Commits one change on the present version, which must succeed. Returns the new version. */
export async function commitNow(store: Store, change: Change): Promise<number> {
  return expectKind(await commitOnPresent(store, change), "committed").version;
}

/** Commits the dispatch of attempts of one stack, and takes their messages off the queue. */
export async function dispatchNow(
  store: Store,
  attemptIds: readonly string[],
  overrides: Partial<DispatchAttempt> & { readonly now?: number } = {},
): Promise<void> {
  const { now = T0, ...dispatch } = overrides;
  const stackId = dispatch.stackId ?? "s1";
  const dispatches = attemptIds.map((id) => aDispatch(id, { ...dispatch, stackId }));
  await commitNow(store, aPut({ id: stackId }, { dispatches, now }));
  await store.release(await takeReceipts(store, ["task"], { now }));
}

/** Claims, which must be granted. */
export async function grantNow(store: Store, attemptId: string, overrides: Partial<ClaimInput> = {}): Promise<Grant> {
  return expectKind(await store.claim(aClaim(attemptId, overrides)), "granted").grant;
}

/** Takes all due items. */
export function take(
  store: Store,
  kinds: readonly DueKind[],
  overrides: Partial<TakeDueInput> = {},
): Promise<readonly DueItem[]> {
  return store.takeDue({ kinds, now: T0, limit: 100, leaseMs: MINUTE, ...overrides });
}

/** Takes events and returns their ids, in order. */
export async function takeEventIds(store: Store, overrides: Partial<TakeDueInput> = {}): Promise<string[]> {
  const items = await take(store, ["event"], overrides);
  return items.map((item) => expectKind(item, "event").event.id);
}

/** Takes messages of that kind and returns the ids of their attempts, in order. */
export async function takeAttemptIds(
  store: Store,
  kind: "task" | "poll" | "lapsedLease" | "deadline",
  overrides: Partial<TakeDueInput> = {},
): Promise<string[]> {
  const items = await take(store, [kind], overrides);
  return items.map((item) => {
    assert.ok("attemptId" in item);
    return item.attemptId;
  });
}

/** Takes items and returns their receipts, in order. */
export async function takeReceipts(
  store: Store,
  kinds: readonly DueKind[],
  overrides: Partial<TakeDueInput> = {},
): Promise<readonly string[]> {
  return (await take(store, kinds, overrides)).flatMap(toReceipts);
}

/** Returns the receipt of an item that has one. */
export function toReceipts(item: DueItem): string[] {
  return "receipt" in item ? [item.receipt] : [];
}

/** Creates a case with a new store that is closed at the end, even on failure. */
export function storeCase(name: string, run: (store: Store) => Promise<void>): ConformanceCase<Store> {
  return {
    name,
    async run(create) {
      const store = await create();
      try {
        await run(store);
      } finally {
        await store.close();
      }
    },
  };
}

/** Holds when the call fails with an error of ours under that code. */
export async function assertRejects(call: () => Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.equal(isStackyardError(error) ? error.code : error, code);
    return true;
  });
}

/** The members of a union that may be of that kind. */
type OfKind<Union, Kind> = Union extends { readonly kind: infer Own } ? (Kind extends Own ? Union : never) : never;

/** Returns the value as the wanted member of its union, or fails with the whole value. */
export function expectKind<Union extends { readonly kind: string }, Kind extends Union["kind"]>(
  value: Union | undefined,
  kind: Kind,
): Union & OfKind<Union, Kind> {
  if (value !== undefined && isKind(value, kind)) return value;
  return assert.fail(`Expected "${kind}", got ${JSON.stringify(value)}.`);
}

function isKind<Union extends { readonly kind: string }, Kind extends Union["kind"]>(
  value: Union,
  kind: Kind,
): value is Union & OfKind<Union, Kind> {
  return value.kind === kind;
}

/** Returns the value, or fails when it is undefined. */
export function expectThere<Value>(value: Value | undefined): Value {
  if (value === undefined) assert.fail("Expected a value, got undefined.");
  return value;
}

/** Lists all items, page by page. */
export async function listAll<Item>(list: (page: PageInput) => Promise<Page<Item>>, limit: number): Promise<Item[]> {
  const all: Item[] = [];
  for await (const { items } of listPages((start) => list({ limit, ...start }))) {
    assert.ok(items.length <= limit);
    all.push(...items);
  }
  return all;
}
