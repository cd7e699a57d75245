import type { AuditEntry } from "../access/audit-entry.ts";
import type { Sender } from "../access/sender.ts";
import type { Cancel, Dispatch } from "../machine/decide/decision.ts";
import type { MetadataValue, Stack } from "../machine/stack.ts";
import type { TaskMessage } from "../machine/task-message.ts";

/** An event as it lies in a queue: the message without its envelope, and what the receiver knows about it. */
export interface QueuedEvent {
  readonly id: string;
  /** Orders the queue; an event without a known stack has the empty string. */
  readonly stackId: string;
  /** `worker`: written by `settle`. Only those may carry internal events. */
  readonly origin: "external" | "worker";
  readonly message: Readonly<Record<string, unknown>>;
  /** When it was accepted, epoch milliseconds. */
  readonly receivedAt: number;
  /** The name of who sent it, for histories and lists. In a message that came over a queue it proves nothing. */
  readonly actor?: string;
  /** Who sent it, as the receiver has verified. Missing when nothing proves it. */
  readonly sender?: Sender;
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

/** A dead letter: an event that was given up, kept with its reason until it is sent again or is too old. */
export interface DeadLetter {
  /** Of this entry, not of the event. */
  readonly id: string;
  readonly event: QueuedEvent;
  readonly code: string;
  readonly reason: string;
  readonly deadLetteredAt: number;
  /** As with a parked event. */
  readonly masked?: readonly string[] | "all";
}

/** What became of an event. */
export type Outcome = "applied" | "removed" | "parked" | "refused" | "dead-lettered" | "ignored";

/** One line of a stack's history. */
export interface HistoryEntry {
  readonly stackId: string;
  readonly at: number;
  readonly eventId: string;
  /** The event came from a worker, a timer or a deadline. Its id means no event of a sender that has the same. */
  readonly internal?: true;
  readonly event: string;
  readonly outcome: Outcome;
  readonly incarnation?: string;
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
  /** The attempt that a result from outside names. That of a worker is in the id of its event. */
  readonly dispatchId?: string;
  /** The timer that sent the event. */
  readonly timer?: string;
  /** A reaction to the event with this id, one line before or further up, has raised the event. */
  readonly raisedBy?: string;
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
  /** 0 when the stack does not exist. A stack that is created again continues above the versions of its earlier incarnations. */
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
   * `duplicate`; so does a known one of an event that is to be parked or dead-lettered. Those of `results` are not among
   * them: an attempt ends once.
   */
  readonly appliedIds: readonly string[];
  readonly park: readonly ParkedEvent[];
  /** Keys of events that are parked no more. */
  readonly unpark: readonly string[];
  /** Those of a stack whose record cannot be read come with a change of the empty stack id; so do lines and receipts. */
  readonly deadLetters: readonly DeadLetter[];
  readonly history: readonly HistoryEntry[];
  readonly dispatches: readonly DispatchAttempt[];
  readonly cancels: readonly CancelAttempt[];
  /** Attempts that have ended; unknown and settled ones are ignored. Their keys go to the next attempt in the queue. */
  readonly endedAttempts: readonly string[];
  /** Receipts of the store's own queue that this change consumes. */
  readonly receipts: readonly string[];
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
  /**
   * Entries of the audit log about events that this change decides. The commit adds each as a record under
   * `audit/pending/<id>`, once; a store whose records are outside of its commit point adds them soon after it. Default: none.
   */
  readonly audit?: readonly AuditEntry[];
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

/** Who wants which attempt, for how long, and what it must hold alone. */
export interface ClaimInput {
  readonly attemptId: string;
  readonly owner: string;
  readonly leaseMs: number;
  /** From the first grant to the deadline; later grants keep the deadline. Default: as the attempt was dispatched. */
  readonly timeoutMs?: number;
  /** At most two, each `<executor>:<key>` or `key:<text>`. Taken in sorted order. */
  readonly exclusiveKeys: readonly string[];
  readonly now: number;
}

/** The answer to a claim. */
export type ClaimResult =
  | {
      readonly kind: "granted";
      readonly grant: Grant;
      readonly deadlineAt: number;
      /** As the last `suspend` gave it. */
      readonly progress?: unknown;
      /**
       * The values behind the references that the attempt was dispatched with (`Dispatch.secrets`), as the stack's
       * record holds them; without those that are gone, as all are with the attempt's life. Absent when it was
       * dispatched with none.
       */
      readonly secrets?: Readonly<Record<string, MetadataValue>>;
      /** A cancel was requested: call the executor's `cancel` instead of `start` or `poll`. */
      readonly cancelling?: "requested" | "timed-out";
      /** True when an earlier owner was granted and `start` may have run. */
      readonly again: boolean;
    }
  /** An owner (perhaps the same one) has a live lease, or the attempt is suspended and not yet due. */
  | { readonly kind: "held"; readonly by: string }
  /**
   * Another attempt has one of the keys. The attempt waits in that key's queue, in order of dispatch (`place` 1: it
   * is next), and keeps the keys before it. Who frees a key passes it on to the next one (`holder`: its attempt id),
   * whose message is written by the same commit; no later attempt overtakes it.
   */
  | { readonly kind: "queued"; readonly key: string; readonly holder: string; readonly place: number }
  /** Unknown, settled or cancelled. */
  | { readonly kind: "gone" };

/** For how long the lease is renewed, and the newest line of progress. */
export interface RenewInput {
  readonly leaseMs: number;
  readonly now: number;
  readonly message?: string;
}

/** The answer to a renewal. `cancelling`: a cancel was requested since the grant. */
export type RenewResult =
  | { readonly kind: "renewed"; readonly cancelling?: "requested" | "timed-out" }
  | { readonly kind: "lost" };

/** Where the work stands, and when to look at it again. */
export interface SuspendInput {
  readonly progress: unknown;
  /** When it is polled; earlier when a cancel is requested. */
  readonly dueAt: number;
  /** One line for people: how far the work is. */
  readonly message?: string;
  readonly now: number;
}

/** How an attempt ended. */
export interface SettleInput {
  readonly outcome: "succeeded" | "failed" | "cancelled";
  /** The result's event; it is enqueued by the same commit. */
  readonly event: QueuedEvent;
  /** The end of the task's log, at most 64 KiB. */
  readonly log?: string;
  /** Events that start follow-up runs; enqueued by the same commit, not before their instant. */
  readonly followUps?: readonly { readonly event: QueuedEvent; readonly notBefore: number }[];
  readonly now: number;
}

/** An attempt as people and the state backend see it. */
export interface AttemptView {
  readonly attemptId: string;
  readonly stackId: string;
  readonly task: string;
  readonly entry: number;
  readonly attempt: number;
  readonly executor?: string;
  readonly status: "unclaimed" | "queued" | "running" | "suspended" | "settled";
  readonly dispatchedAt: number;
  /** While the attempt is queued its time does not run, and this value has no meaning. */
  readonly deadlineAt: number;
  /** The newest grant; 0 before the first. */
  readonly token: number;
  readonly owner?: string;
  readonly leaseUntil?: number;
  readonly pollDueAt?: number;
  readonly cancelling?: "requested" | "timed-out";
  readonly queuedFor?: { readonly key: string; readonly holder: string; readonly place: number };
  readonly heldKeys: readonly string[];
  readonly progressMessage?: string;
  /** It has left a log. Missing when it has not. */
  readonly hasLog?: true;
  /** The end of its log, at most 64 KiB. Only `findAttempt` returns it. */
  readonly log?: string;
  readonly outcome?: "succeeded" | "failed" | "cancelled" | "closed";
}

/** The part of a store that workers use. Time is the caller's: the token, not the clock, keeps a late owner harmless. */
export interface AttemptStore {
  /** Whatever it answers, the same commit removes the attempt's message from the store's own queue. */
  claim(input: ClaimInput): Promise<ClaimResult>;
  /** An expired lease may be renewed until another owner takes it. */
  renew(grant: Grant, input: RenewInput): Promise<RenewResult>;
  /**
   * Gives the lease back and keeps the keys. The poll is due at once when a cancel was requested after the grant; a
   * grant that carried `cancelling` is polled when `dueAt` says.
   */
  suspend(grant: Grant, input: SuspendInput): Promise<"suspended" | "lost">;
  /** Ends the attempt: result event, freed keys and the next queued message of each key are one commit. */
  settle(grant: Grant, input: SettleInput): Promise<"settled" | "lost">;
  findAttempt(attemptId: string): Promise<AttemptView | undefined>;
  /** Returns the message that an open attempt was dispatched with. A store may delete it when the attempt ends. */
  findTaskMessage(attemptId: string): Promise<TaskMessage | undefined>;
}

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

/** What to take, and for how long it is out. */
export interface TakeDueInput {
  readonly kinds: readonly DueKind[];
  /**
   * Later than the clock: what is due by then, for a caller that sends it on with the remaining delay. Not with
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
   * Adds events; one whose key (`toEventKey`) is queued, parked or applied already is ignored. Order is kept per stack.
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
   * out again from then on. An unknown receipt is ignored. Polls and expired leases need no release.
   */
  release(receipts: readonly string[], visibleAt?: number): Promise<void>;
  /** The earliest instant at which `takeDue` may find something; undefined: nothing is waiting. May be early, never late. */
  nextDueAt(kinds: readonly DueKind[]): Promise<number | undefined>;
}
