import type { DispatchAttempt, Stack, Store } from "@stackyard/core";
import type {
  Change,
  DeadLetter,
  DueItem,
  HistoryEntry,
  ParkedEvent,
  QueuedEvent,
  TakeDueInput,
} from "@stackyard/core/engine";

/** The instant at which tests begin. */
export const T0 = Date.UTC(2026, 0, 1);
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

/** A stack `s1` of the machine `web`. */
export function aStack(overrides: Partial<Stack> = {}): Stack {
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
    life: "created",
    entry: 1,
    attempts: {},
    runs: [],
    timers: [],
    automaticEntries: [],
    ...overrides,
  };
}

/** A change that keeps the stack `s1` and does nothing else. */
export function aChange(overrides: Partial<Change> = {}): Change {
  const nothing = { appliedIds: [], park: [], unpark: [], deadLetters: [], history: [] };
  const none = { dispatches: [], cancels: [], closes: [], acknowledges: [] };
  return { stackId: "s1", expectedVersion: 0, write: { kind: "keep" }, ...nothing, ...none, now: T0, ...overrides };
}

/** A change that writes a stack. */
export function aPut(stack: Partial<Stack> = {}, overrides: Partial<Change> = {}): Change {
  const written = aStack(stack);
  return aChange({ stackId: written.id, write: { kind: "put", stack: written }, ...overrides });
}

export function anEvent(id: string, overrides: Partial<QueuedEvent> = {}): QueuedEvent {
  const stackId = overrides.stackId ?? "s1";
  return { id, stackId, origin: "external", message: { event: "PUSH", stackId }, receivedAt: T0, ...overrides };
}

export function aParkedEvent(id: string, nextTryAt = T0 + MINUTE): ParkedEvent {
  return { event: anEvent(id), code: "EVENT_NOT_HANDLED", reason: "…", parkedAt: T0, tries: 1, nextTryAt };
}

export function aDeadLetter(id: string): DeadLetter {
  return { id, event: anEvent(`event-of-${id}`), code: "EVENT_UNDECLARED", reason: "…", deadLetteredAt: T0 };
}

export function aLine(eventId: string, overrides: Partial<HistoryEntry> = {}): HistoryEntry {
  return { stackId: "s1", at: T0, eventId, event: "PUSH", outcome: "applied", sent: [], notes: [], ...overrides };
}

export function aDispatch(attemptId: string, overrides: Partial<DispatchAttempt> = {}): DispatchAttempt {
  const task = { name: "plan", executor: "terraform" };
  const stack = { id: "s1", previousState: "INIT", machine: "web", _state: "UP", tasks: [], metadata: {} };
  return {
    attemptId,
    stackId: "s1",
    life: "created",
    entry: 1,
    task: "plan",
    attempt: 1,
    executor: "terraform",
    timeoutMs: HOUR,
    claimWithinMs: 24 * 60 * MINUTE,
    cancelWithinMs: 5 * MINUTE,
    again: false,
    message: { task, stack, dispatch: { id: attemptId, attempt: 1, deadline: new Date(T0 + HOUR).toISOString() } },
    ...overrides,
  };
}

/** Commits on the present version, and again after a conflict. */
export async function commitNow(store: Store, change: Change): Promise<number> {
  const [loaded] = await store.load([change.stackId]);
  const [result] = await store.commit([{ ...change, expectedVersion: loaded?.version ?? 0 }]);
  if (result?.kind === "committed") return result.version;
  throw new Error(`The commit gave ${JSON.stringify(result)}.`);
}

/** What is due, with room for all of it. */
export function take(store: Store, kinds: TakeDueInput["kinds"], now = T0): Promise<readonly DueItem[]> {
  return store.takeDue({ kinds, now, limit: 100, leaseMs: MINUTE });
}

/** Claims, which must be granted. */
export async function grantNow(store: Store, attemptId: string, exclusiveKeys: readonly string[] = [], now = T0) {
  const claim = await store.claim({ attemptId, owner: "w1", leaseMs: MINUTE, exclusiveKeys, now });
  if (claim.kind === "granted") return claim.grant;
  throw new Error(`The claim gave ${JSON.stringify(claim)}.`);
}
