import type { TaskMessage } from "../machine/task-message.ts";
import type { LoadedStack, QueuedEvent } from "./stack-store.ts";

/** `event` and `task` are the outbox; the others are what time makes due. */
export type DueKind = "event" | "task" | "timer" | "deadline" | "poll" | "parked" | "lapsedLease";

/** Something that waits for an engine or a worker. */
export type DueItem =
  | {
      readonly kind: "event";
      readonly receipt: string;
      readonly event: QueuedEvent;
      readonly deliveries: number;
      /**
       * The stack as it was then, where the store reads it with its first event and no event is parked for it. It may be
       * outdated when it is used, as any load may.
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
  /** A suspended attempt is to be polled, or a running one's owner is gone: its message is handed out again. */
  | {
      readonly kind: "poll" | "lapsedLease";
      readonly receipt: string;
      readonly attemptId: string;
      readonly message: TaskMessage;
      readonly dueAt: number;
    }
  /** The stack has a timer with `dueAt` at or before now. */
  | { readonly kind: "timer"; readonly stackId: string; readonly dueAt: number }
  /** `deadline`: the attempt's time is over. `cancel`: a cancel was asked for and its time is over too. */
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

/** What to take, and for how long it is out. */
export interface TakeDueInput {
  readonly kinds: readonly DueKind[];
  /**
   * Later than the clock says: what is due by then, for somebody who sends it on with the delay that is left. Not with
   * `lapsedLease`, whose owners are alive until then, nor with the kinds of the outbox.
   */
  readonly now: number;
  readonly limit: number;
  /** What was taken is not handed out again for so long, unless it was acknowledged or given back. */
  readonly leaseMs: number;
}

/** The store as a queue: the embedded transport and the sweep of every other one. */
export interface WorkQueue {
  /**
   * Adds events; one whose key (`toEventKey`) is queued, parked or applied already is passed over. Order is kept per stack.
   * Returns for each event, in their order, whether it was added. Behind a queue that does not know the keys all are.
   */
  enqueue(events: readonly QueuedEvent[]): Promise<readonly boolean[]>;
  /**
   * Takes what is due, oldest first. Events of one stack are handed out in order: while one of them is out, or
   * given back for later, no later one of that stack is handed out except in the same take.
   */
  takeDue(input: TakeDueInput): Promise<readonly DueItem[]>;
  /**
   * Gives back what was taken. Without an instant the work is done and its rows are removed; with one they are handed
   * out again from then on. An unknown receipt is passed over. Polls and lapsed leases need no release.
   */
  release(receipts: readonly string[], visibleAt?: number): Promise<void>;
  /** The earliest instant at which `takeDue` may find something; undefined: nothing is waiting. May be early, never late. */
  nextDueAt(kinds: readonly DueKind[]): Promise<number | undefined>;
}
