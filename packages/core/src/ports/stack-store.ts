import type { Cancel, Dispatch } from "../machine/decide/decision.ts";
import type { Stack } from "../machine/stack.ts";

/** An event as it lies in a queue: the message without its envelope, and what the receiver knows about it. */
export interface QueuedEvent {
  readonly id: string;
  /** Orders the queue; an event whose stack is not known stands under the empty string. */
  readonly stackId: string;
  /** `worker`: written by `settle`. Only those may carry internal events. */
  readonly origin: "external" | "worker";
  readonly message: Readonly<Record<string, unknown>>;
  /** When it was accepted, epoch milliseconds. */
  readonly receivedAt: number;
  /** Who sent it, as the server knows. */
  readonly actor?: string;
}

/** An event that its stack refuses for the present; it is decided again. */
export interface ParkedEvent {
  readonly event: QueuedEvent;
  readonly code: string;
  readonly reason: string;
  readonly parkedAt: number;
  /** Decisions so far, the first one included. */
  readonly tries: number;
  readonly nextTryAt: number;
  /** Keys of its metadata that must not be shown; `all` where no machine said which. Absent: all can be. */
  readonly masked?: readonly string[] | "all";
}

/** An event that was given up, kept with its reason until somebody sends it again or it is too old. */
export interface SetAsideEvent {
  /** Of this entry, not of the event. */
  readonly id: string;
  readonly event: QueuedEvent;
  readonly code: string;
  readonly reason: string;
  readonly setAsideAt: number;
  /** As with a parked event. */
  readonly masked?: readonly string[] | "all";
}

/** What became of an event. */
export type Outcome = "applied" | "removed" | "parked" | "refused" | "set-aside" | "ignored";

/** One line of a stack's history. */
export interface HistoryEntry {
  readonly stackId: string;
  readonly at: number;
  readonly eventId: string;
  /** The event came from a worker, a timer or a deadline. Its id means no event of a sender that has the same. */
  readonly internal?: true;
  readonly event: string;
  readonly outcome: Outcome;
  readonly life?: string;
  readonly actor?: string;
  /** Why the event was not applied; of an applied `TASK_ERROR`: the code of the task's failure. */
  readonly code?: string;
  readonly reason?: string;
  /** The states before and after; absent where no stack was there. */
  readonly from?: string;
  readonly to?: string;
  /** The task that a result or an operator's event names. */
  readonly task?: string;
  readonly description?: string;
  /**
   * What the event brought, so that a history can be replayed. In the place of a sensitive value stands its reference
   * (`{"$secret": "password#3"}`), or `***` where it was not stored.
   */
  readonly metadata?: unknown;
  /** What a task gave, in stacks of version 2 and runs; sensitive ones as with `metadata`. */
  readonly outputs?: unknown;
  /** Of an applied `TASK_ERROR` in stacks of version 2 and runs: whether another attempt may help, as its worker said. */
  readonly retryable?: boolean;
  /** The attempt that an answer from outside named. A worker's is told by the id of its event. */
  readonly dispatchId?: string;
  /** The timer that has brought the event. */
  readonly timer?: string;
  /** The sender confirmed the stack's id. */
  readonly confirmed?: true;
  /** Names of the tasks that were sent, in order. */
  readonly sent: readonly string[];
  readonly notes: readonly string[];
  readonly machineHash?: string;
}

/** A history line with its place in the yard's whole history. */
export interface StoredHistoryEntry extends HistoryEntry {
  /** Grows over the yard; gaps are possible. */
  readonly position: number;
}

/** A stack as loaded for a decision. */
export interface LoadedStack {
  readonly stackId: string;
  /** 0 when there is none. A stack that is created again goes on above the versions of its earlier lives. */
  readonly version: number;
  readonly stack?: Stack;
  /** Oldest first. */
  readonly parked: readonly ParkedEvent[];
}

/** What becomes of the stack's record. */
export type StackWrite =
  /** No new version. Refusals do this, and another try of a parked event. */
  | { readonly kind: "keep" }
  | { readonly kind: "put"; readonly stack: Stack }
  /** The record goes; its event ids and history stay. */
  | { readonly kind: "remove" };

/** Everything that one round does to one stack; it is written whole or not at all. */
export interface Change {
  readonly stackId: string;
  /** The version that was loaded; 0: there must be no stack. */
  readonly expectedVersion: number;
  readonly write: StackWrite;
  /**
   * Keys of events (`toEventKey`) that are remembered from now on, per stack. A known one makes the whole change a
   * `duplicate`; so does a known one of an event that is to be parked or set aside. Those of `results` are not among
   * them: an attempt ends once.
   */
  readonly appliedIds: readonly string[];
  readonly park: readonly ParkedEvent[];
  /** Keys of events that are parked no more. */
  readonly unpark: readonly string[];
  /** Those of a stack whose record cannot be read come with a change of the empty stack id; so do lines and receipts. */
  readonly setAside: readonly SetAsideEvent[];
  readonly history: readonly HistoryEntry[];
  readonly dispatches: readonly DispatchAttempt[];
  readonly cancels: readonly CancelAttempt[];
  /** Attempts that have ended; unknown and settled ones are passed over. Their keys go to the next in the queue. */
  readonly closes: readonly string[];
  /** Receipts of the store's own queue that this change consumes. */
  readonly acknowledges: readonly string[];
  /**
   * Results that this change applies: it ends their attempts as `settle` does, but queues no event. Every grant must
   * still hold (`lost`), and no event of the stack may be queued, whenever it is due, except those that the change
   * acknowledges (`behind`): a result does not overtake an event. Default: none.
   */
  readonly results?: readonly AppliedResult[];
  /**
   * Attempts among `dispatches` that begin as granted to this process, without a message in the queue. They want no
   * exclusive key and are not sent again. Default: none.
   */
  readonly claims?: readonly BirthClaim[];
  readonly now: number;
}

/** The proof that an owner holds the lease of an attempt. A later grant of the attempt has a higher token. */
export interface Grant {
  readonly attemptId: string;
  readonly owner: string;
  readonly token: number;
}

/** The end of an attempt that its holder brings to the commit that applies it. */
export interface AppliedResult {
  readonly grant: Grant;
  readonly outcome: "succeeded" | "failed" | "cancelled";
  /** The end of the task's log, at most 64 KiB. */
  readonly log?: string;
}

/** Who holds an attempt from its first moment, and for how long. */
export interface BirthClaim {
  readonly attemptId: string;
  readonly owner: string;
  readonly leaseMs: number;
}

/** A dispatch as the store carries it out. */
export interface DispatchAttempt extends Dispatch {
  /** From the dispatch to the deadline, while no runner has claimed the attempt. */
  readonly claimWithinMs: number;
}

/** A cancel as the store carries it out. */
export interface CancelAttempt extends Cancel {
  /**
   * True where every runner claims its attempts: one that is unclaimed or queued ends at once, and its
   * `TASK_CANCELLED` event is enqueued by the same commit.
   */
  readonly unclaimedAtOnce: boolean;
}

/** What became of one change. */
export type CommitResult =
  /** `grants`: of the change's claims, in their order; absent when it had none. */
  | { readonly kind: "committed"; readonly version: number; readonly grants?: readonly Grant[] }
  /** The stack is no longer at the expected version. Load and decide again. */
  | { readonly kind: "conflict" }
  /** Events with these keys were applied before. Decide again without them. */
  | { readonly kind: "duplicate"; readonly eventIds: readonly string[] }
  /** These attempts of the change's results have ended or have another owner. */
  | { readonly kind: "lost"; readonly attemptIds: readonly string[] }
  /** Events of the stack are queued: settle the results instead, so that they queue behind them. */
  | { readonly kind: "behind" };

/** The part of a store that the engine decides on. */
export interface StackStore {
  /** In the order of the ids; each id once. */
  load(stackIds: readonly string[]): Promise<readonly LoadedStack[]>;
  /** At most one change a stack. One change's conflict undoes no other. Results in the order of the changes. */
  commit(changes: readonly Change[]): Promise<readonly CommitResult[]>;
}
