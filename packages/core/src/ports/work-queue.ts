import type { TaskMessage } from "../machine/task-message.ts";
import type { LoadedStack, QueuedEvent } from "./stack-store.ts";

/** `event` and `task` are the outbox; the others are due at an instant. */
export type DueKind = "event" | "task" | "timer" | "deadline" | "poll" | "parked" | "lapsedLease";

/** Something that waits for an engine or a worker. */
export type DueItem =
  | {
      readonly kind: "event";
      readonly receipt: string;
      readonly event: QueuedEvent;
      readonly deliveries: number;
      /**
       * The stack as it was then, where the store reads it with its first event and no event is parked for it. It may
       * be outdated when it is used, as any load may.
       */
      readonly loaded?: LoadedStack;
    }
  | {
      readonly kind: "task";
      readonly receipt: string;
      readonly attemptId: string;
      readonly message: TaskMessage;
      readonly deliveries: number;
    }
  /** A suspended attempt must be polled, or a running one's owner is gone: its message is delivered again. */
  | {
      readonly kind: "poll" | "lapsedLease";
      readonly receipt: string;
      readonly attemptId: string;
      readonly message: TaskMessage;
      readonly dueAt: number;
    }
  /** The stack has a timer with `dueAt` at or before now. */
  | { readonly kind: "timer"; readonly stackId: string; readonly dueAt: number }
  /** `deadline`: the attempt's time is over. `cancel`: a cancel was requested and its time is over too. */
  | {
      readonly kind: "deadline";
      readonly stackId: string;
      readonly attemptId: string;
      readonly task: string;
      readonly why: "deadline" | "cancel";
      readonly dueAt: number;
    }
  /** The first of the stack's parked events that is to be tried again. */
  | { readonly kind: "parked"; readonly stackId: string; readonly dueAt: number };

/** The kinds and number of items to receive, and the length of the lease. */
export interface TakeDueInput {
  readonly kinds: readonly DueKind[];
  /**
   * May be later than the clock, for a caller that sends the work on with the remaining delay. Not with `lapsedLease`,
   * whose owners are alive until then, nor with the kinds of the outbox.
   */
  readonly now: number;
  readonly limit: number;
  /** The time for which received items are hidden from other receivers, unless they are acknowledged or released. */
  readonly leaseMs: number;
}

/** The store as a queue: the embedded transport and the sweep of every other one. */
export interface WorkQueue {
  /**
   * Adds events; ignores one whose key (`toEventKey`) is queued, parked or applied already. Order is kept per stack.
   * Returns for each event, in their order, whether it was added; always true in front of a queue that does not store
   * the keys.
   */
  enqueue(events: readonly QueuedEvent[]): Promise<readonly boolean[]>;
  /**
   * Receives due items, oldest first. Events of one stack are delivered in order: while one of them is received, or
   * released for later, a later one of that stack is delivered only in the same call.
   */
  takeDue(input: TakeDueInput): Promise<readonly DueItem[]>;
  /**
   * Releases received items. Without an instant their work is done and their rows are removed; with one they are
   * delivered again from then on. An unknown receipt is ignored. Polls and expired leases need no release.
   */
  release(receipts: readonly string[], visibleAt?: number): Promise<void>;
  /**
   * Returns the earliest instant at which `takeDue` may find something; undefined when nothing waits. May be early,
   * never late.
   */
  nextDueAt(kinds: readonly DueKind[]): Promise<number | undefined>;
}
