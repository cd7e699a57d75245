import type { SenderKind } from "../access/sender.ts";
import type { CronSchedule } from "./cron.ts";

/** A value of a stack's metadata. */
export type MetadataValue = string | number | boolean | null;

/** A stack's flat user data. Types are kept: `0`, `false` and `""` are values, null is stored. */
export type Metadata = Readonly<Record<string, MetadataValue>>;

/** On the wire since the first version; a failed task is `ERROR`. */
export type TaskStatus = "PENDING" | "SATISFIED" | "ERROR";

/**
 * More about a status, in stacks of version 2. `PENDING` is `WAITING` (for needs, or for runs of earlier states),
 * `RETRYING` (for its next attempt), `APPROVING` (an approval is open) or `RUNNING` (dispatched; the API says `QUEUED`
 * where the attempt is), `SATISFIED` may be `SKIPPED`, `ERROR` may be `CANCELLED`. Absent for plain success and
 * failure.
 */
export type TaskDetail = "WAITING" | "QUEUED" | "RUNNING" | "RETRYING" | "APPROVING" | "SKIPPED" | "CANCELLED";

/** A task of the state that the stack is in. */
export interface TaskState {
  readonly name: string;
  readonly status: TaskStatus;
  readonly detail?: TaskDetail;
  /** Only while the status is `ERROR`. */
  readonly errorMessage?: string;
  /** Only while the status is `ERROR`: the code of the failure, where the worker gave one. */
  readonly errorCode?: string;
}

/**
 * A dispatched run that is not closed yet. Runs of earlier entries remain here, abandoned, until a result, a deadline
 * or an operator closes them.
 */
export interface TaskRun {
  /**
   * The attempt, which is also the `dispatch.id` of its message. A run whose attempt timed out may have two open ones.
   */
  readonly attemptId: string;
  readonly entry: number;
  readonly task: string;
  readonly attempt: number;
  readonly executor?: string;
  readonly dispatchedAt: number;
  /** A cancel was requested: by an operator's event, or because the deadline has passed. */
  readonly cancelling?: "requested" | "timed-out";
  /** The time limit of a cancel, in milliseconds; kept here because a later revision may not have the task. */
  readonly cancelWithinMs?: number;
  /** From the first grant to the deadline, if its resolved config differs from the task. */
  readonly timeoutMs?: number;
  /** The task's explicit exclusive key as it was when the task became ready. */
  readonly exclusiveKey?: string;
  /** References of the secrets in its message; their values are kept while the run is open. */
  readonly secrets?: readonly string[];
  /** The task was settled by hand: the run's result closes it and changes no status, in its own entry too. */
  readonly abandoned?: true;
}

/** A sender as a stack remembers it. */
export interface KnownSender {
  readonly kind: SenderKind;
  readonly id: string;
  readonly name: string;
  /** The id of the person who created a token, and for whom it counts. */
  readonly owner?: string;
}

/** A sender, and the keys of the metadata whose values or removal are its input. */
export interface MetadataSender extends KnownSender {
  readonly keys: readonly string[];
  /** Keys that timers, tasks or reactions have set while this sender's values were in the metadata. */
  readonly derived?: readonly string[];
}

/** One approval of a person. */
export interface GivenApproval {
  readonly by: KnownSender;
  readonly at: number;
  readonly comment?: string;
}

/** An open approval: a task of the present entry whose detail is `APPROVING`. */
export interface Approval {
  /** In the form of an attempt's id. Another one whenever the metadata has changed: then something else is approved. */
  readonly id: string;
  /** Groups whose members may approve. */
  readonly from: readonly string[];
  /** The number of people who must approve. */
  readonly count: number;
  /** The requester may approve too. */
  readonly own?: true;
  /** One person may approve although a requester is unknown. */
  readonly unowned?: true;
  /** An approval or rejection must have a comment. */
  readonly comment?: "required";
  /** The text that each approval must repeat. */
  readonly of?: string;
  /** Of `of`, and of the tasks that run by the approval as the machine had them. Missing without `of`. */
  readonly digest?: string;
  /** Sender of the last event from outside that made the stack enter a state. Absent: the sender is not known. */
  readonly askedBy?: KnownSender;
  /** Senders whose input is in the metadata, or was while it waits; they count as `askedBy` does. */
  readonly changedBy?: readonly KnownSender[];
  readonly askedAt: number;
  readonly expiresAt: number;
  /** The time by which it was prolonged because the yard was away while it was open, in milliseconds. */
  readonly unwatchedMs?: number;
  /** Oldest first, each person once. */
  readonly given: readonly GivenApproval[];
}

/** Who has approved. `id`: of a person. */
export interface Approver {
  readonly name: string;
  readonly id?: string;
}

/** What was approved, until the approval is requested again. */
export interface Approved {
  /** The text that was approved. */
  readonly of: string;
  /** Of the text, and of the tasks that run by the approval as the machine had them: nothing else is sent by it. */
  readonly digest: string;
  /** Those who have approved, or who has passed the approval by hand. */
  readonly by: readonly Approver[];
  readonly at: number;
  /** It was not approved: the task was settled by hand. */
  readonly settled?: true;
}

/** A timer that is armed for the present entry. */
export interface StackTimer {
  /**
   * Unique in the stack: `<entry>/retry/<task>`, `<entry>/approval/<task>`, `<entry>/timeout`, and of an entry of
   * `after` with `in`, `at` or `cron`: `<entry>/after/<key>`, `<entry>/at/<key>`, `<entry>/cron/<key>`.
   */
  readonly id: string;
  /** A declared event, `TIMEOUT`, or the internal `TASK_RETRY_DUE` or `TASK_TIMED_OUT`. */
  readonly event: string;
  readonly dueAt: number;
  /** The task of a retry or an approval. */
  readonly task?: string;
  /**
   * The last milliseconds before `dueAt` are random: the engine picks an instant in them and drops this. `decide`
   * returns the upper bound.
   */
  readonly jitterMs?: number;
  /**
   * The instant that it fires for, of an entry of `after` with `at` or `cron`.
   */
  readonly instant?: number;
  /** The schedule on which it is armed again whenever it has fired. */
  readonly repeats?: CronSchedule;
  /** Its event was refused: it does not fire by itself again. A schedule that skips an occurrence has none. */
  readonly refused?: RefusedTimer;
  /** The occurrences of a schedule that were refused. They are not tried again. */
  readonly skipped?: SkippedOccurrences;
}

/** Why the event of a timer has not acted. It is parked, was withdrawn, or was given up. */
export interface RefusedTimer {
  readonly at: number;
  readonly code: string;
  readonly reason: string;
  /** When it became a dead letter, which can be sent again. */
  readonly givenUpAt?: number;
}

/** The number of occurrences of a schedule that were skipped in the present entry, and the reason of the last one. */
export interface SkippedOccurrences {
  readonly count: number;
  readonly at: number;
  readonly code: string;
  readonly reason: string;
}

/** The event that a timer with an expression for its instant has sent. */
export interface FiredInstant {
  readonly event: string;
  /** The last instant that it has fired for. */
  readonly instant: number;
  readonly times: number;
}

/** Why a stack cannot continue by itself. */
export interface Stalled {
  readonly code: string;
  readonly reason: string;
}

/** The newest failure for good of a stack's tasks, kept when the stack has moved on. */
export interface LastFailure {
  readonly task: string;
  /** The state whose task it was, and which entry. */
  readonly state: string;
  readonly entry: number;
  /** The attempt that failed; 0 where the task was never sent. */
  readonly attempt: number;
  readonly at: number;
  readonly code?: string;
  /** Beginning and end, at most 2,000 characters; history and the attempt's log have more. */
  readonly message?: string;
  /** The task has succeeded within what its config allows, and has left this undone. */
  readonly partial?: true;
  /**
   * When a task of this name has succeeded since, or was settled by hand, or all tasks of an entry have succeeded after
   * `answeredAt`.
   */
  readonly resolvedAt?: number;
  /** When an event from outside has made the stack enter a state since. */
  readonly answeredAt?: number;
  /** A person has seen the failure. The mark does not end it. */
  readonly acknowledged?: Acknowledgement;
}

/** Who has acknowledged a failure, when and why. */
export interface Acknowledgement {
  readonly at: number;
  /** The name of the sender, where it is known. */
  readonly by?: string;
  /** The id of a person: names may repeat. */
  readonly byId?: string;
  readonly reason?: string;
}

/** The release that has set a value of a stack's metadata last. Instants are epoch milliseconds. */
export interface Release {
  /** The stack that is the release, and its incarnation. */
  readonly id: string;
  readonly incarnation: string;
  /** When the release was created. Of two releases the one that was created later is newer. */
  readonly createdAt: number;
  /** The task of the release that sent the event. */
  readonly task: string;
  /** The id of the event. */
  readonly event: string;
  /** The value that it has set. */
  readonly value: MetadataValue;
  /** Since when the key has had its present value, by whichever sender. */
  readonly at: number;
}

/**
 * Why a task of a deed has not done its work. `left`: its state was left before it had ended. `before`: it began with the
 * values before. `partial`: it has succeeded, and has left something undone.
 */
export interface Lack {
  readonly why: "failed" | "cancelled" | "partial" | "left" | "before";
  readonly code?: string;
  /** How often the task has failed with this code in a row, in other entries. Missing: once. */
  readonly times?: number;
  /** An earlier event's work with the same value has left it; the task has not ended for this event. */
  readonly taken?: true;
  /** The entry, and the attempt; 0 where the task was never sent. */
  readonly entry: number;
  readonly attempt: number;
}

/** A task that a person has settled by hand. Missing `by`: the sender is not known. */
export interface SettledTask {
  readonly task: string;
  readonly by?: KnownSender;
}

/** The work of one event: the values that it has set, and what has become of the tasks that it has led to. */
export interface Deed {
  /** The name of the event. */
  readonly event: string;
  readonly at: number;
  /** Since when its work has the end that it has; missing while it runs. */
  readonly restedAt?: number;
  /** It has changed values only: no state was entered, and no task was sent. */
  readonly onlyValues?: true;
  /** The metadata keys whose present value it has set, with a digest of the value. A sensitive value has the number of its version. */
  readonly keys: Readonly<Record<string, string>>;
  /** Tasks that have not done their work since. */
  readonly lacks?: Readonly<Record<string, Lack>>;
  readonly settled?: readonly SettledTask[];
}

/** Deeds by the key of their event. */
export type Deeds = Readonly<Record<string, Deed>>;

/** The commit of a stack. Something other than an event with a commit may have set the value of its key. */
export interface StackCommit {
  readonly key: string;
  /** The digest of the value of that key. */
  readonly value: string;
  /** Missing: nothing has stated the commit of the value. */
  readonly id?: string;
  /** The first entry of its work: what was lacking before is not its own. */
  readonly entry: number;
  /** The state to which it led. Whatever leads there again does its work again. */
  readonly state: string;
  /** The machine has set it, or its event has changed nothing else, and no task was sent since. */
  readonly isIdle?: true;
}

/** Releases by the key of the metadata that they have set. */
export type Releases = Readonly<Record<string, Release>>;

/** What a task was entered with, which a later revision does not change. */
export interface BegunTask {
  /** By name. The task is sent when these and those of the present revision have succeeded. */
  readonly needs: readonly string[];
  /** It is an approval. */
  readonly isApproval?: true;
  /** The approvals that its state has named. Missing: none. */
  readonly approved?: readonly string[];
}

/** An event of the engine that the state has not handled. It is tried again with each change of the stack. */
export type PendingEvent = "NEXT" | "FAILED" | "TIMEOUT";

/** Why a stack does not move to the newest revision of its machine. */
export interface HeldBack extends Stalled {
  /** The revision that it does not move to; missing when no such revision is usable. */
  readonly revision?: string;
}

/** One environment: the aggregate that one commit concerns. Instants are epoch milliseconds. */
export interface Stack {
  readonly id: string;
  readonly machine: string;
  /** The revision that the stack was last decided on. */
  readonly machineHash: string;
  readonly state: string;
  readonly previousState: string | null;
  /** Tasks of the present state only, in declared order. */
  readonly tasks: readonly TaskState[];
  /** What the tasks of the present entry began with; a task without any of it is missing. */
  readonly begun?: Readonly<Record<string, BegunTask>>;
  readonly metadata: Metadata;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly enteredAt: number;
  /** The id of the event that created the stack; `0` for rows taken over. */
  readonly incarnation: string;
  /** Counts the entries into states; 0 until the first advance. */
  readonly entry: number;
  /** The highest attempt of each task in this entry; a task that was never dispatched is not in it. */
  readonly attempts: Readonly<Record<string, number>>;
  readonly runs: readonly TaskRun[];
  readonly timers: readonly StackTimer[];
  /** The timers of `after` with `at` that have fired in this entry, by their ids. */
  readonly firedInstants?: Readonly<Record<string, FiredInstant>>;
  /** Instants of entries caused by results and timers within the last hour, oldest first; see `LOOP_LIMIT`. */
  readonly automaticEntries: readonly number[];
  readonly stalled?: Stalled;
  /** Events of the engine that the present state has not handled. */
  readonly pending?: readonly PendingEvent[];
  /** Present while the newest revision is not taken, although the stack follows its machine. */
  readonly heldBack?: HeldBack;
  /** True when all tasks have ended and one has failed permanently. */
  readonly failed?: boolean;
  /** Absent while no task of this incarnation has failed for good. */
  readonly lastFailure?: LastFailure;
  /** True when the state's timeout has passed and was not handled. */
  readonly overdue?: boolean;
  /**
   * True while this entry waits for live runs of earlier ones. The state as it was when it was entered decides,
   * whatever a later revision declares.
   */
  readonly awaitsRuns?: true;
  /** The number of entries of each state, where the machine's version counts it; a state that was never entered is missing. */
  readonly visits?: Readonly<Record<string, number>>;
  /**
   * The outputs of the present entry's tasks, by task: only scalars. Sensitive ones are references to `keptSecrets`.
   */
  readonly outputs?: Readonly<Record<string, Readonly<Record<string, MetadataValue | { readonly $secret: string }>>>>;
  /** Open approvals of the present entry, by task. */
  readonly approvals?: Readonly<Record<string, Approval>>;
  /** What was approved, by the task of the approval. Tasks that run by one are sent only with it. */
  readonly approved?: Readonly<Record<string, Approved>>;
  /** Sender of the last event from outside that made the stack enter a state; absent where the event had none. */
  readonly askedBy?: KnownSender;
  /** Who has changed which metadata last, where the machine has approvals. */
  readonly metadataBy?: readonly MetadataSender[];
  /**
   * The last event from outside or of a timer that made the stack enter a state: its key, what it was, its order, and the
   * entry to which it led.
   */
  readonly lead?: { readonly key: string; readonly mark: string; readonly order: number; readonly entry?: number };
  /** Present while the stack is on its way out: the order of the event with which its removal began. */
  readonly endsFrom?: number;
  /** The releases that have set values of the metadata; a key that no release has set is missing. */
  readonly releases?: Releases;
  /** The key of the present deed in `deeds`: of the event whose work the present entry is. */
  readonly deed?: string;
  /** The present deed, and those that have set a value which is still there. */
  readonly deeds?: Deeds;
  /** The commit that it has. Missing: no event has brought one. */
  readonly commit?: StackCommit;
  /** Failures of a task that count for its policy, since its last retry by hand; 0 is left out. */
  readonly failures?: Readonly<Record<string, number>>;
  /** The number of times that each sensitive metadata key was set; its values never leave the record but through `claim`. */
  readonly secretVersions?: Readonly<Record<string, number>>;
  /**
   * Sensitive values besides the present metadata: earlier ones that an open run refers to, and outputs. By reference.
   */
  readonly keptSecrets?: Metadata;
}
