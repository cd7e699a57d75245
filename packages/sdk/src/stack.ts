/** A value of a stack's metadata. */
export type MetadataValue = string | number | boolean | null;

/** One try at a task. */
export interface Attempt {
  readonly attemptId: string;
  readonly stackId: string;
  readonly task: string;
  readonly entry: number;
  readonly attempt: number;
  readonly executor?: string;
  readonly status: "unclaimed" | "queued" | "running" | "suspended" | "settled";
  readonly dispatchedAt: string;
  readonly deadlineAt: string;
  readonly owner?: string;
  readonly leaseUntil?: string;
  readonly pollDueAt?: string;
  readonly cancelling?: "requested" | "timed-out";
  readonly queuedFor?: { readonly key: string; readonly holder: string; readonly place: number };
  readonly heldKeys: readonly string[];
  readonly progressMessage?: string;
  readonly hasLog: boolean;
  readonly outcome?: "succeeded" | "failed" | "cancelled" | "closed";
}

/** A task of the present state. */
export interface StackTask {
  readonly name: string;
  readonly status: "PENDING" | "SATISFIED" | "ERROR";
  /** In stacks of version 2: WAITING, QUEUED, RUNNING, RETRYING, SKIPPED or CANCELLED. */
  readonly detail?: string;
  readonly errorMessage?: string;
  /** Of a failed task: the code of the failure, where the worker gave one. */
  readonly errorCode?: string;
}

/** The newest task of a stack's present incarnation that failed for good. It stays when the stack moves on. */
export interface LastFailure {
  readonly task: string;
  /** The state whose task it was, and which entry into it. */
  readonly state: string;
  readonly entry: number;
  /** The attempt that failed; 0 where the task was never sent. */
  readonly attempt: number;
  readonly at: string;
  readonly code?: string;
  /** Beginning and end, at most 2,000 characters; history and the attempt's log have more. */
  readonly message?: string;
  /** When a task of this name succeeded since, or was settled by hand. */
  readonly resolvedAt?: string;
}

/** What a stack can become without an event from outside: by its tasks, timers and parked events. */
export interface Reachable {
  readonly states: readonly string[];
  /** The stack can reach its end and be removed. */
  readonly removal: boolean;
}

/** A stack as a list shows it. Instants are ISO 8601 in UTC. */
export interface StackSummary {
  readonly id: string;
  readonly machine: string;
  readonly machineHash: string;
  readonly state: string;
  readonly previousState: string | null;
  readonly tasks: readonly StackTask[];
  readonly metadata: Readonly<Record<string, MetadataValue>>;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly enteredAt: string;
  readonly life: string;
  readonly entry: number;
  readonly version: number;
  readonly stalled?: { readonly code: string; readonly reason: string };
  readonly failed?: boolean;
  /** The state's time-out has passed, and nothing handled it. */
  readonly overdue?: boolean;
  readonly lastFailure?: LastFailure;
  /** Only where the list was asked for it. */
  readonly waiting?: { readonly summary: string; readonly waitsFor?: Wait };
}

/** What is waited for, as programs read it. Which of the other fields are there depends on the kind. */
export interface Wait {
  readonly kind:
    | "lease"
    | "worker"
    | "key"
    | "poll"
    | "cancel"
    | "result"
    | "timer"
    | "need"
    | "leaving"
    | "parked"
    | "event"
    | "operator";
  readonly attemptId?: string;
  readonly stackId?: string;
  readonly task?: string;
  readonly tasks?: readonly string[];
  readonly key?: string;
  readonly place?: number;
  readonly worker?: string;
  readonly executor?: string;
  readonly event?: string;
  readonly events?: readonly string[];
  readonly eventId?: string;
  readonly at?: string;
  readonly code?: string;
}

/** An event that the stack refuses for the present. */
export interface ParkedEvent {
  readonly eventId: string;
  readonly stackId: string;
  readonly event: string;
  /** The machine that the event names. */
  readonly machine?: string;
  readonly actor?: string;
  readonly code: string;
  readonly reason: string;
  readonly receivedAt: string;
  readonly parkedAt: string;
  readonly tries: number;
  readonly nextTryAt: string;
}

/** A parked event in the list of the yard's. */
export interface ListedParkedEvent extends ParkedEvent {
  /** False: the stack does not exist (yet). */
  readonly stackExists: boolean;
}

/** A stack with everything that tells why it stands where it stands. */
export interface StackDetails extends Omit<StackSummary, "tasks" | "waiting" | "lastFailure"> {
  /** One sentence. */
  readonly summary: string;
  readonly waitsFor?: Wait;
  /** `missed`: what the stack could have become by itself had the task succeeded. */
  readonly lastFailure?: LastFailure & { readonly missed?: Reachable };
  /** Absent where the stack's machine is not known. */
  readonly reachable?: Reachable;
  readonly tasks: readonly (StackTask & {
    readonly why: string;
    readonly waitsFor?: Wait;
    readonly attempt?: Attempt;
  })[];
  readonly attempts: readonly Attempt[];
  readonly parked: readonly ParkedEvent[];
  readonly timers: readonly {
    readonly id: string;
    readonly event: string;
    readonly dueAt: string;
    /** Of a task's next try. */
    readonly task?: string;
  }[];
}

/** Which stacks to list. */
export interface StackFilter {
  readonly machine?: string;
  readonly state?: string;
  readonly idPrefix?: string;
  /** `failed`: a task is in ERROR. `busy`: a task is PENDING. `waiting`: one of these, or an event is parked. `any`: all. */
  readonly condition?: "failed" | "stalled" | "overdue" | "busy" | "waiting" | "any";
  /** With what each stack waits for; without a condition only those that are not quiet. */
  readonly waiting?: boolean;
}
