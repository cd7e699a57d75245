/** A value of a stack's metadata. */
export type MetadataValue = string | number | boolean | null;

/** A stack's flat user data. Types are kept: `0`, `false` and `""` are values, null is stored. */
export type Metadata = Readonly<Record<string, MetadataValue>>;

/** On the wire since the first version; a failed task is `ERROR`. */
export type TaskStatus = "PENDING" | "SATISFIED" | "ERROR";

/** A task of the state that the stack is in. */
export interface TaskState {
  readonly name: string;
  readonly status: TaskStatus;
  /** Only while the status is `ERROR`. */
  readonly errorMessage?: string;
  /** Only while the status is `ERROR`: the code of the failure, where the worker gave one. */
  readonly errorCode?: string;
}

/**
 * A dispatched run that nothing has closed yet. Runs of earlier entries stay here, abandoned, until a result, a
 * deadline or an operator closes them.
 */
export interface OpenRun {
  /** The attempt, which is also the `dispatch.id` of its message. A run whose attempt timed out may have two open ones. */
  readonly attemptId: string;
  readonly entry: number;
  readonly task: string;
  readonly attempt: number;
  readonly executor?: string;
  readonly dispatchedAt: number;
  /** A cancel was asked for: by an operator's event, or because the deadline has passed. */
  readonly cancelling?: "requested" | "timed-out";
  /** How long a cancel may take; kept here because a later revision may not have the task. */
  readonly cancelWithinMs?: number;
  /** The task was settled by hand: the run's answer closes it and changes no status, in its own entry too. */
  readonly abandoned?: true;
}

/** A timer that is armed for the present entry. */
export interface StackTimer {
  /** Unique in the stack: `<entry>/after/<index>`. */
  readonly id: string;
  readonly event: string;
  readonly dueAt: number;
  /** When it was due first: its machine could not be found or used then, and it waits for another try. */
  readonly postponedFrom?: number;
}

/** Why a stack cannot go on by itself. */
export interface Stalled {
  readonly code: string;
  readonly reason: string;
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
  readonly metadata: Metadata;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly enteredAt: number;
  /** The id of the event that created the stack; `0` for rows taken over. */
  readonly life: string;
  /** Counts the entries into states; 0 until the first advance. */
  readonly entry: number;
  /** The highest attempt of each task in this entry; a task that was never dispatched is not in it. */
  readonly attempts: Readonly<Record<string, number>>;
  readonly runs: readonly OpenRun[];
  readonly timers: readonly StackTimer[];
  /** Instants of entries caused by results and timers within the last hour, oldest first; see `LOOP_LIMIT`. */
  readonly automaticEntries: readonly number[];
  readonly stalled?: Stalled;
  /** True when no task runs any more and one has failed for good. */
  readonly failed?: boolean;
}
