import type { AuditEntry } from "../access/audit-entry.ts";
import type { Sender } from "../access/sender.ts";
import type { Outcome, HistoryEntry as ShownEntry } from "../api/event.ts";
import type { Cancel, Dispatch } from "../machine/decide/decision.ts";
import type { RaisedBy } from "../machine/event-message.ts";
import type { ReleaseNote } from "../machine/release.ts";
import type { MetadataValue, Stack } from "../machine/stack.ts";
import type { TaskMessage } from "../machine/task-message.ts";

export type { Outcome };

/** An event in a queue: the message without its envelope, and the facts that the receiver adds. */
export interface QueuedEvent {
  readonly id: string;
  /** Orders the queue; an event without a known stack has the empty string. */
  readonly stackId: string;
  /**
   * `worker`: written by `settle`, or of a timer or the engine. Only those may carry internal events. `stack`: sent by a task of another stack. It is
   * applied or refused, never parked or dead-lettered.
   */
  readonly origin: "external" | "stack" | "worker";
  readonly message: Readonly<Record<string, unknown>>;
  /** When it was accepted, epoch milliseconds. */
  readonly receivedAt: number;
  /** The sender's name, for histories and lists. In a message from a queue it is not verified. */
  readonly actor?: string;
  /** The sender, as verified by the receiver. Missing when it is not verified. */
  readonly sender?: Sender;
  /**
   * The event is that of an operation of the yard, such as the start of a job, which has checked the request. Only such
   * events reach internal machines. Never part of a message.
   */
  readonly own?: true;
  /**
   * Until then the sender waits for the first decision, epoch milliseconds: it gets a refusal as its answer, so nothing is
   * dead-lettered. Never part of a message.
   */
  readonly awaitedUntil?: number;
  /** The release of the origin `stack`. Never part of a message. */
  readonly release?: ReleaseNote;
  /**
   * The machine and the incarnation of the stack that it was parked or dead-lettered for: another stack with the same
   * id neither shows nor applies it. Missing before that, and when the stack did not exist.
   */
  readonly machine?: string;
  readonly incarnation?: string;
  /** The id of the stack's timer that has sent the event. Never part of a message. */
  readonly timerId?: string;
  /** The reaction that has raised the event. Never part of a message. */
  readonly raised?: RaisedBy;
}

/** An event that its stack refuses for the present; it is decided again. */
export interface ParkedEvent {
  readonly event: QueuedEvent;
  readonly code: string;
  readonly reason: string;
  readonly parkedAt: number;
  /** Decisions so far: the first, and those that were due by time. */
  readonly tries: number;
  readonly nextTryAt: number;
  /** The place of the event among those of its stack: events that came later have higher ones. */
  readonly order?: number;
  /** The same for events of one name and metadata. Missing when the event could not be read. */
  readonly mark?: string;
  /**
   * Keys of its metadata that must not be shown; `all` without a machine that declares them. Missing when all can be
   * shown.
   */
  readonly masked?: readonly string[] | "all";
}

/** An event without its message but the members that name it. */
export interface EventHead extends Omit<QueuedEvent, "message"> {
  readonly message: MessageHead;
}

/** The head of a message. Not enough to decide it. */
export interface MessageHead {
  readonly event?: unknown;
  readonly action?: unknown;
  readonly machine?: unknown;
  readonly task?: unknown;
}

/** A parked event without its message, which may be large: what a stack is loaded with. */
export interface ParkedHead extends Omit<ParkedEvent, "event"> {
  readonly event: EventHead;
}

/** A dead letter: an event that was given up, kept with its reason until it is sent again or is too old. */
export interface DeadLetter {
  /** The id of this entry, not of the event. */
  readonly id: string;
  readonly event: QueuedEvent;
  readonly code: string;
  readonly reason: string;
  readonly deadLetteredAt: number;
  /** As with a parked event. */
  readonly masked?: readonly string[] | "all";
}

/**
 * One line of a stack's history: the API's, with its instant in epoch milliseconds. A sensitive value in `metadata` and
 * `outputs` is replaced by its reference (`{"$secret": "password#3"}`), so that the history can be replayed, or by `***`
 * when it was not stored. Stores keep a line as one JSON text, so an optional field needs no migration.
 */
export interface HistoryEntry extends Omit<ShownEntry, "at" | "position" | "release"> {
  readonly at: number;
  /** The release that sent the event. */
  readonly release?: HistoryRelease;
  /**
   * `markOf` what a sender has sent, where `metadata` does not show all of it: another message under the same id is compared with it.
   * Sealed by a store that seals, and never shown.
   */
  readonly mark?: string;
}

/** A release in the history: the stack that sent the event, and what a replay needs to note it. */
export interface HistoryRelease extends Omit<ReleaseNote, "expect" | "expiresAt"> {
  readonly id: string;
  readonly machine: string;
}

/** A history line with its position in the yard's whole history. */
export interface StoredHistoryEntry extends HistoryEntry {
  /** Grows over the yard; gaps are possible. */
  readonly position: number;
}

/** A stack as loaded for a decision. */
export interface LoadedStack {
  readonly stackId: string;
  /**
   * 0 when the stack does not exist. A stack that is created again continues above the versions of its earlier
   * incarnations.
   */
  readonly version: number;
  readonly stack?: Stack;
  /** Oldest first. `loadParked` returns the events. */
  readonly parked: readonly ParkedHead[];
}

/** The change of the stack's record. */
export type StackWrite =
  /** No new version. Refusals do this, another try of a parked event, and an event that changes nothing. */
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
   * Keys of events (`toEventKey`) that are remembered from now on, per stack. If one of them is already remembered, or
   * that of an event to park, that is parked again or dead-lettered, the whole change is a `duplicate`. Those of `results` are not among them:
   * an attempt ends once.
   */
  readonly appliedIds: readonly string[];
  readonly park: readonly ParkedEvent[];
  /**
   * Events that are parked already and were tried again: their new heads. Their messages stay; one that is no longer
   * parked is ignored. Default: none.
   */
  readonly retried?: readonly ParkedHead[];
  /** Keys of events that are unparked. */
  readonly unpark: readonly string[];
  /**
   * Those of a stack whose record cannot be read come with a change of the empty stack id; so do lines and receipts.
   */
  readonly deadLetters: readonly DeadLetter[];
  readonly history: readonly HistoryEntry[];
  readonly dispatches: readonly DispatchAttempt[];
  /**
   * Open attempts whose messages are sent again as they are stored, unless they are queued; unknown and settled ones are
   * ignored. Default: none.
   */
  readonly resends?: readonly string[];
  readonly cancels: readonly CancelAttempt[];
  /** Attempts that have ended; unknown and settled ones are ignored. Their keys go to the next attempt in the queue. */
  readonly endedAttempts: readonly string[];
  /** Receipts of the store's own queue that this change consumes. */
  readonly receipts: readonly string[];
  /**
   * Results that this change applies: it ends their attempts as `settle` does, but queues no event. Every grant must
   * still be valid (`lost`), and no event of the stack may be queued, whenever it is due, except those that the change
   * acknowledges (`behind`): a result does not overtake an event. Default: none.
   */
  readonly results?: readonly AppliedResult[];
  /**
   * Attempts among `dispatches` that begin as granted to this process, without a message in the queue. They require no
   * exclusive key and are not sent again. Default: none.
   */
  readonly claims?: readonly BirthClaim[];
  /**
   * Entries of the audit log about events that this change decides. The commit adds each as a record under
   * `audit/pending/<id>`, once; a store with its records outside the commit adds them soon after it. Default: none.
   */
  readonly audit?: readonly AuditEntry[];
  readonly now: number;
}

/** A change of no stack, with no effect. */
export const NO_CHANGE: Omit<Change, "now"> = {
  stackId: "",
  expectedVersion: 0,
  write: { kind: "keep" },
  appliedIds: [],
  park: [],
  unpark: [],
  deadLetters: [],
  history: [],
  dispatches: [],
  cancels: [],
  endedAttempts: [],
  receipts: [],
};

/** Proof that an owner holds the lease of an attempt. A later grant of the attempt has a higher token. */
export interface Grant {
  readonly attemptId: string;
  readonly owner: string;
  readonly token: number;
}

/** The end of an attempt, applied in one commit by its holder. */
export interface AppliedResult {
  readonly grant: Grant;
  readonly outcome: "succeeded" | "failed" | "cancelled";
  /** The end of the task's log, at most 64 KiB. */
  readonly log?: string;
}

/** The holder of an attempt from its beginning, and the length of the lease. */
export interface BirthClaim {
  readonly attemptId: string;
  readonly owner: string;
  readonly leaseMs: number;
}

/** A dispatch as the store carries it out. */
export interface DispatchAttempt extends Dispatch {
  /** From the dispatch to the deadline, while no runner has claimed the attempt. */
  readonly claimWithinMs: number;
  /** The id of the event that it reacts to, as the line of the history names it. Stores need not keep it. */
  readonly cause: string;
}

/** A cancel as the store carries it out. */
export interface CancelAttempt extends Cancel {
  /**
   * True where every runner claims its attempts: one that is unclaimed or queued ends at once, and its
   * `TASK_CANCELLED` event is enqueued by the same commit.
   */
  readonly unclaimedAtOnce: boolean;
}

/** The result of one change. */
export type CommitResult =
  /** `grants`: of the change's claims, in their order; missing when it had none. */
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
  /** Loads the stacks in the order of the ids; each id once. */
  load(stackIds: readonly string[]): Promise<readonly LoadedStack[]>;
  /**
   * Loads parked events of a stack by their keys (`toEventKey`), with their messages, in any order. Omits those that
   * are not parked.
   */
  loadParked(stackId: string, keys: readonly string[]): Promise<readonly ParkedEvent[]>;
  /**
   * Commits at most one change per stack. A conflict of one change does not undo another. Returns results in the order
   * of the changes.
   */
  commit(changes: readonly Change[]): Promise<readonly CommitResult[]>;
}

/** An attempt with instants that only a clock that was ahead can have noted, after their correction. */
export interface CorrectedAttempt {
  readonly stackId: string;
  readonly attemptId: string;
  /** When it would have ended by itself, and ends now. Missing when only its lease or its next poll was wrong. */
  readonly ends?: { readonly was: number; readonly is: number };
}

/** The owner, the attempt, the length of the lease, and the exclusive keys. */
export interface ClaimInput {
  readonly attemptId: string;
  readonly owner: string;
  readonly leaseMs: number;
  /** At most two, each `<executor>:<key>` or `key:<text>`. Taken in sorted order. */
  readonly exclusiveKeys: readonly string[];
  readonly now: number;
}

/** The result of a claim. */
export type ClaimResult =
  | {
      readonly kind: "granted";
      readonly grant: Grant;
      readonly deadlineAt: number;
      /** As the last `suspend` gave it. */
      readonly progress?: unknown;
      /**
       * The values of the references that the attempt was dispatched with (`Dispatch.secrets`), from the stack's
       * record; without deleted ones, and all are deleted when the attempt has ended. Missing when it was dispatched
       * with none.
       */
      readonly secrets?: Readonly<Record<string, MetadataValue>>;
      /** A cancel was requested: call the executor's `cancel` instead of `start` or `poll`. */
      readonly cancelling?: "requested" | "timed-out";
      /** True when an earlier owner was granted and `start` may have run. */
      readonly again: boolean;
      /** Its grants have lapsed again and again without a step: end it, and do not call its executor. */
      readonly workersLost?: true;
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

/** The result of a renewal. `cancelling`: a cancel was requested since the grant. */
export type RenewResult =
  | { readonly kind: "renewed"; readonly cancelling?: "requested" | "timed-out" }
  | { readonly kind: "lost" };

/** The progress of the work, and when to poll it again. */
export interface SuspendInput {
  readonly progress: unknown;
  /** When it is polled; earlier when a cancel is requested. */
  readonly dueAt: number;
  /** One line for people: how far the work is. */
  readonly message?: string;
  /** The earliest time at which it can continue. Missing: not known any more. */
  readonly opensAt?: number;
  /** The code of what holds it back. Missing: nothing any more. */
  readonly heldBy?: string;
  readonly now: number;
}

/** The end of an attempt. */
export interface SettleInput {
  readonly outcome: "succeeded" | "failed" | "cancelled";
  /** The result's event; it is enqueued by the same commit. */
  readonly event: QueuedEvent;
  /** The end of the task's log, at most 64 KiB. */
  readonly log?: string;
  /** Events that start follow-up jobs; enqueued by the same commit, not before their instant. */
  readonly followUps?: readonly { readonly event: QueuedEvent; readonly notBefore: number }[];
  readonly now: number;
}

/** An attempt for people and the state backend. */
export interface AttemptView {
  readonly attemptId: string;
  readonly stackId: string;
  readonly task: string;
  readonly entry: number;
  readonly attempt: number;
  readonly executor?: string;
  readonly status: "unclaimed" | "queued" | "running" | "suspended" | "settled";
  readonly dispatchedAt: number;
  /** While the attempt is queued its clock stops, and this value has no meaning. */
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
  /** The earliest time at which what it waits for lets it continue. Missing when that is not known, and once it has ended. */
  readonly opensAt?: number;
  /** The code of what holds back what it would do next. Missing when nothing does, and once it has ended. */
  readonly heldBy?: string;
  /** It has left a log. Missing when it has not. */
  readonly hasLog?: true;
  /** The end of its log, at most 64 KiB. Only `findAttempt` returns it. */
  readonly log?: string;
  readonly outcome?: "succeeded" | "failed" | "cancelled" | "closed";
}

/**
 * The part of a store that workers use. Time is the caller's: the token, not the clock, keeps a late owner harmless.
 */
export interface AttemptStore {
  /**
   * Claims an attempt. Whatever the result, the same commit removes the attempt's message from the store's own queue.
   */
  claim(input: ClaimInput): Promise<ClaimResult>;
  /** Renews a lease. An expired one may be renewed until another owner takes it. */
  renew(grant: Grant, input: RenewInput): Promise<RenewResult>;
  /**
   * Releases the lease and keeps the keys. The poll is due at once when a cancel was requested after the grant; a grant
   * that carried `cancelling` is polled at `dueAt`.
   */
  suspend(grant: Grant, input: SuspendInput): Promise<"suspended" | "lost">;
  /** Ends the attempt: result event, freed keys and the next queued message of each key are one commit. */
  settle(grant: Grant, input: SettleInput): Promise<"settled" | "lost">;
  findAttempt(attemptId: string): Promise<AttemptView | undefined>;
  /** Returns the message that an open attempt was dispatched with. A store may delete it when the attempt ends. */
  findTaskMessage(attemptId: string): Promise<TaskMessage | undefined>;
}
