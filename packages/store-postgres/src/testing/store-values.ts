import type { DispatchAttempt, Stack } from "@stackyard/core";
import type { Change, QueuedEvent } from "@stackyard/core/engine";

/** The instant at which tests begin. */
export const T0 = Date.UTC(2026, 0, 1);
export const MINUTE = 60_000;

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

/** A change that keeps the record and does nothing else by default. */
export function aChange(overrides: Partial<Change> = {}): Change {
  return {
    stackId: "s1",
    expectedVersion: 0,
    write: { kind: "keep" },
    appliedIds: [],
    park: [],
    unpark: [],
    deadLetters: [],
    history: [],
    dispatches: [],
    cancels: [],
    closes: [],
    acknowledges: [],
    now: T0,
    ...overrides,
  };
}

/** Writes a stack. */
export function aPut(stack: Partial<Stack> = {}, overrides: Partial<Change> = {}): Change {
  const written = aStack(stack);
  return aChange({ stackId: written.id, write: { kind: "put", stack: written }, ...overrides });
}

export function anEvent(id: string, overrides: Partial<QueuedEvent> = {}): QueuedEvent {
  const { stackId = "s1" } = overrides;
  return { id, stackId, origin: "external", message: { event: "PUSH", stackId }, receivedAt: T0, ...overrides };
}

export function aDispatch(attemptId: string, overrides: Partial<DispatchAttempt> = {}): DispatchAttempt {
  const { stackId = "s1", task = "plan" } = overrides;
  return {
    attemptId,
    stackId,
    life: "created",
    entry: 1,
    task,
    attempt: 1,
    timeoutMs: 60 * MINUTE,
    claimWithinMs: 24 * 60 * MINUTE,
    cancelWithinMs: 5 * MINUTE,
    again: false,
    message: {
      task: { name: task },
      stack: { id: stackId, previousState: null, machine: "web", _state: "UP", tasks: [], metadata: {} },
      dispatch: { id: attemptId, attempt: 1, deadline: new Date(T0).toISOString() },
    },
    ...overrides,
  };
}
