/** Where an event comes from. Only `external` ones pass the checks of names that are reserved. */
export type EventOrigin = "external" | "worker" | "timer" | "engine";

/** One event of one stack, parsed from a message or made by a timer, a deadline or a worker. */
export interface StackEvent {
  /** The same id of the same origin is applied once: see `toEventKey`. */
  readonly id: string;
  readonly stackId: string;
  readonly name: string;
  /** Now, for `decide`: epoch milliseconds. */
  readonly at: number;
  readonly origin: EventOrigin;
  readonly machine?: string;
  /** As received: `decide` refuses what is not a flat map. */
  readonly metadata?: unknown;
  readonly task?: { readonly name: string };
  /** The attempt that a result answers (`dispatch.id` of its message). Without it the task's name decides. */
  readonly dispatchId?: string;
  /** A failed task's message. */
  readonly description?: string;
  /** A failed task's code. */
  readonly code?: string;
  readonly retryable?: boolean;
  readonly outputs?: Readonly<Record<string, unknown>>;
  /** Who sent it, when the sender says or the server knows. */
  readonly actor?: string;
  /** Operators' events: why. */
  readonly reason?: string;
  /** `SETTLE_TASK`: only `succeeded`. */
  readonly as?: "succeeded";
  /** Names of outputs that must not be shown. */
  readonly sensitiveOutputs?: readonly string[];
  /** The stack's id, where a protected state asks for it. */
  readonly confirm?: string;
  /** `UPGRADE_STACK`: the content hash of the revision to move to; absent: the newest valid one. */
  readonly to?: string;
  /** `REMOVE_STACK`: must be true. */
  readonly force?: boolean;
  /** A timer's event: which timer of the stack has fired. */
  readonly timerId?: string;
  /** The message as received (without envelope), for history, parking and setting aside. */
  readonly message?: Readonly<Record<string, unknown>>;
}

/**
 * Returns what an event is known by: its origin and id. Senders choose their ids, and the ids of results and timers can be
 * guessed, so that an event from outside is never taken for one of a worker, a timer or the engine, nor the other way
 * round. A sender's id is its own key; no other event has the same.
 */
export function toEventKey({ origin, id }: Pick<StackEvent, "origin" | "id">): string {
  if (origin !== "external") return `internal:${id}`;
  return /^(?:internal|external):/.test(id) ? `external:${id}` : id;
}

/** Results and operators' events: handled by the engine, never by `on`. */
export const SYSTEM_EVENTS = {
  taskCompleted: "TASK_COMPLETED",
  taskError: "TASK_ERROR",
  /** Internal: a cancel has ended. */
  taskCancelled: "TASK_CANCELLED",
  /** Internal: the deadline of an attempt has passed. */
  taskTimedOut: "TASK_TIMED_OUT",
  /** Internal: the wait before a task's next attempt is over. */
  taskRetryDue: "TASK_RETRY_DUE",
  retryFailedTasks: "RETRY_FAILED_TASKS",
  retryPendingTasks: "RETRY_PENDING_TASKS",
  cancelTask: "CANCEL_TASK",
  settleTask: "SETTLE_TASK",
  removeStack: "REMOVE_STACK",
  upgradeStack: "UPGRADE_STACK",
} as const;

/** Events that answer a task; entries that they cause are automatic. */
export const RESULT_EVENTS: ReadonlySet<string> = new Set([
  SYSTEM_EVENTS.taskCompleted,
  SYSTEM_EVENTS.taskError,
  SYSTEM_EVENTS.taskCancelled,
  SYSTEM_EVENTS.taskTimedOut,
]);
