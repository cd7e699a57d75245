import type { MetadataValue } from "../machine/stack.ts";
import type { TaskMessage } from "../machine/task-message.ts";
import type { Grant, QueuedEvent } from "./stack-store.ts";

export type { Grant } from "./stack-store.ts";

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
      /** A cancel was asked for: call the executor's `cancel` instead of `start` or `poll`. */
      readonly cancelling?: "requested" | "timed-out";
      /** True when an earlier owner was granted and `start` may have run. */
      readonly again: boolean;
    }
  /** An owner (perhaps the same one) has a live lease, or the attempt is suspended and not yet due. */
  | { readonly kind: "held"; readonly by: string }
  /**
   * Another attempt has one of the keys. The attempt waits in that key's queue, in order of dispatch (`place` 1: it
   * is next), and keeps the keys before it. Who frees a key passes it on to the next one (`holder`: its attempt id),
   * whose message comes by the same commit; nobody overtakes it.
   */
  | { readonly kind: "queued"; readonly key: string; readonly holder: string; readonly place: number }
  /** Unknown, settled or cancelled. */
  | { readonly kind: "gone" };

/** The answer to a renewal. `cancelling`: a cancel was asked for since the grant. */
export type RenewResult =
  | { readonly kind: "renewed"; readonly cancelling?: "requested" | "timed-out" }
  | { readonly kind: "lost" };

/** Where the work stands, and when to look at it again. */
export interface SuspendInput {
  readonly progress: unknown;
  /** When it shall be polled; earlier when a cancel is asked for. */
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
  /** While it is queued the clock stands and this tells nothing. */
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
  /** A lease that nobody else took may be renewed after its end. `message`: the newest line of progress. */
  renew(
    grant: Grant,
    input: { readonly leaseMs: number; readonly now: number; readonly message?: string },
  ): Promise<RenewResult>;
  /**
   * Gives the lease back and keeps the keys. The poll is due at once when a cancel was asked for after the grant; a
   * grant that carried `cancelling` is polled when `dueAt` says.
   */
  suspend(grant: Grant, input: SuspendInput): Promise<"suspended" | "lost">;
  /** Ends the attempt: result event, freed keys and the next queued message of each key are one commit. */
  settle(grant: Grant, input: SettleInput): Promise<"settled" | "lost">;
  findAttempt(attemptId: string): Promise<AttemptView | undefined>;
  /** Returns the message that an open attempt was dispatched with. A store may delete it when the attempt ends. */
  findTaskMessage(attemptId: string): Promise<TaskMessage | undefined>;
}
